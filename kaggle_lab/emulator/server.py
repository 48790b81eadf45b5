"""The HTTP server: routes, start, orderly end."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from .control import ControlHandler
from .http_api import OperationsRest, OutputFileHandler, RestHandler, RpcHandler, UnknownHandler
from .http_base import EmulatorApplication
from .http_hub import BlobsRest, CompetitionsRest, DatasetRest, DatasetsRest, ModelsRest
from .http_jupyter import JupyterProxy
from .page_home import HomePage
from .page_kernel import KernelPage, LogPage, OutputPage, ResultsPage, SourcePage
from .pages import PageFile
from .scenario_player import Player, ScenarioHandler
from .session_api import SessionHandler
from .storage import StorageHandler
from .uploads import UploadHandler
from .world import World

_HINT = """\
This is an emulator of Kaggle on this machine. Look at {url}/ in a browser. Kaggle's own command:
  kaggle-emulator exec --url {url} -- kaggle kernels list --mine
or, without help, as the account learner:
  export KAGGLE_API_ENVIRONMENT=LOCALHOST HTTP_PROXY={url} NO_PROXY=
  export KAGGLE_USERNAME=learner KAGGLE_KEY=local_api_token
  kaggle kernels list --mine
Stop it with Ctrl+C; running sessions go on."""
MAX_BODY_BYTES = 256 << 20


def make_application(world: World, player: Player) -> EmulatorApplication:
    """All routes. Kaggle's paths exist with and without `/api`, as its two hosts have them."""
    arguments = {"world": world}
    playing = {"world": world, "player": player}
    return EmulatorApplication(
        [
            (r"(?:/api)?/v1/kernels/(.+)", RestHandler, arguments),
            (r"(?:/api)?/v1/datasets/(.+)", DatasetsRest, arguments),
            (r"(?:/api)?/v1/dataset/(.+)", DatasetRest, arguments),
            (r"(?:/api)?/v1/models/(.+)", ModelsRest, arguments),
            (r"(?:/api)?/v1/competitions/(.+)", CompetitionsRest, arguments),
            (r"(?:/api)?/v1/blobs/(.+)", BlobsRest, arguments),
            (r"(?:/api)?/v1/operations/(.+)", OperationsRest, arguments),
            (r"(?:/api)?/v1/([a-z_]+\.[A-Za-z]+)/([A-Za-z]+)", RpcHandler, arguments),
            (r"/kaggle-outputs/([0-9]+)/(.+)", OutputFileHandler, arguments),
            (r"/kaggle-uploads/([0-9a-f]+)", UploadHandler, arguments),
            (r"/kaggle-storage/(files|archives|submissions)/([0-9]+)/(.+)", StorageHandler, arguments),
            (r"/(?:requests|kaggle-jwt-handler)/([A-Za-z]+)", SessionHandler, arguments),
            (r"/k/.*", JupyterProxy, arguments),
            (r"/_emu/(scenario)", ScenarioHandler, playing),
            (r"/_emu/([a-z]+)", ControlHandler, arguments),
            (r"/_pages/([a-z.]+)", PageFile, arguments),
            (r"/", HomePage, playing),
            (r"/code/([^/]+)/([^/]+)", KernelPage, arguments),
            (r"/code/([^/]+)/([^/]+)/log/([0-9]{1,9})(\.json)?", LogPage, arguments),
            (r"/code/([^/]+)/([^/]+)/results/([0-9]{1,9})", ResultsPage, arguments),
            (r"/code/([^/]+)/([^/]+)/output/([0-9]{1,9})/(.+)", OutputPage, arguments),
            (r"/code/([^/]+)/([^/]+)/source/([0-9]{1,9})", SourcePage, arguments),
        ],
        default_handler_class=UnknownHandler,
        default_handler_args=arguments,
        log_function=lambda handler: None,
    )


def bind(port: int) -> list[socket.socket]:
    """Listen on loopback; port 0 takes any free one. Raises OSError when the port is taken."""
    return bind_sockets(port, address="127.0.0.1")


async def serve(world: World, sockets: list[socket.socket]) -> None:
    """Serve until SIGTERM or SIGINT. Running sessions are left alone and found again at the next start."""
    world.base_url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    (world.folders.root / "address").write_text(f"{world.base_url}\n", encoding="utf-8")
    player = Player(world)
    application = make_application(world, player)
    server = HTTPServer(application, max_body_size=MAX_BODY_BYTES, max_buffer_size=MAX_BODY_BYTES)
    server.add_sockets(sockets)
    world.supervisor.adopt()
    if world.options.scenario is not None:
        player.play(world.options.scenario)
    watch = asyncio.create_task(world.supervisor.run(), name="supervisor")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print(f"kaggle-emulator ready: {world.base_url}", flush=True)  # noqa: T201 - the one line promised on stdout
    print(_HINT.format(url=world.base_url), file=sys.stderr, flush=True)  # noqa: T201
    await stop.wait()
    server.stop()
    watch.cancel()
    await server.close_all_connections()
