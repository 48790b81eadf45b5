"""What a session finds around it: Kaggle's environment variables, the program to run and a Jupyter kernel.

Of the host's environment only a few harmless variables are taken over: no credentials, no proxies.
"""

from __future__ import annotations

import json
import os
import shutil
import site
import sys
from dataclasses import dataclass
from pathlib import Path

from .runner_spec import SessionDir, Spec
from .sandbox import Program

_FROM_HOST = ("TZ", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_VISIBLE_DEVICES")
_SCRIPT_NAMES = {"python": "script.py", "r": "script.R", "rmarkdown": "script.Rmd"}
NOTEBOOK = "__notebook__.ipynb"


@dataclass(frozen=True)
class Places:
    """Where the session finds its folders, as it sees them itself."""

    kaggle: str
    home: str
    tmp: str
    support: str
    server: str

    @property
    def working(self) -> str:
        return f"{self.kaggle}/working"

    @property
    def source(self) -> str:
        return f"{self.kaggle}/src"


ISOLATED = Places(
    kaggle="/kaggle",
    home="/root",
    tmp="/tmp",  # noqa: S108 - private
    support="/run/kaggle",
    server="/run/kaggle/server",
)


def places_without_namespaces(session: SessionDir, kaggle: Path) -> Places:
    """The same folders inside the session directory; ``kaggle`` stands for /kaggle."""
    home, tmp, support = (str(session.scratch / name) for name in ("home", "tmp", "support"))
    return Places(str(kaggle), home, tmp, support, str(session.server))


def prepare_files(spec: Spec, session: SessionDir) -> None:
    """Lay the source and the helper files where the program will look; raises ``OSError``."""
    session.make_folders()
    source = session.path / spec.source
    if spec.kernel_type == "notebook":
        shutil.copyfile(source, session.working / NOTEBOOK)
    else:
        shutil.copyfile(source, session.scratch / "src" / _script_name(spec))
    secrets = Path(__file__).with_name("runner_secrets.py")
    shutil.copyfile(secrets, session.scratch / "lib" / "kaggle_secrets.py")
    support = session.scratch / "support"
    for name in ("job.py", "kernel.py", "server.py"):
        shutil.copyfile(Path(__file__).with_name(f"runner_{name}"), support / name)
    if spec.is_interactive:
        shutil.copyfile(source, session.working / _file_to_open(spec))
        session.server.mkdir(exist_ok=True)
        (support / "server").mkdir(exist_ok=True)  # where the sandbox shows it


def _file_to_open(spec: Spec) -> str:
    return NOTEBOOK if spec.kernel_type == "notebook" else _script_name(spec)


def _script_name(spec: Spec) -> str:
    return _SCRIPT_NAMES.get(spec.language, "script.txt")


def program_for(spec: Spec, session: SessionDir, places: Places) -> Program:
    """The program that runs this source; writes the kernelspec that a notebook needs."""
    _write_python_kernel(session.scratch / "support" / "jupyter" / "kernels" / "python3", places)
    return Program(_argv(spec, places), _environment(spec, places), places.working)


def _write_python_kernel(folder: Path, places: Places) -> None:
    """A kernelspec "python3" for this very interpreter, whatever the host has under that name."""
    folder.mkdir(parents=True, exist_ok=True)
    kernel = f"{places.support}/kernel.py"
    spec = {
        "argv": [sys.executable, "-Xfrozen_modules=off", kernel, "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
        "metadata": {"debugger": True},
    }
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def _argv(spec: Spec, places: Places) -> tuple[str, ...]:
    if spec.is_interactive:
        return (sys.executable, "-P", f"{places.support}/server.py", places.server, _file_to_open(spec))
    if spec.kernel_type == "notebook":
        return (sys.executable, "-P", f"{places.support}/job.py", NOTEBOOK)
    script = f"{places.source}/{_script_name(spec)}"
    if spec.language == "python":
        return (sys.executable, "-u", script)
    if spec.language == "r":
        return ("/bin/sh", "-c", 'exec Rscript "$0"', script)
    if spec.language == "rmarkdown":
        return ("/bin/sh", "-c", f'exec Rscript -e \'rmarkdown::render("{script}", output_dir=".")\'')
    return ("/bin/sh", "-c", 'echo "Scripts in this language cannot be run: $0" >&2; exit 1', spec.language)


def _environment(spec: Spec, places: Places) -> dict[str, str]:
    host = {name: os.environ[name] for name in _FROM_HOST if name in os.environ}
    user_base = {"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {}
    # Not on the command line, which every user of the machine can read.
    own = {"KAGGLE_EMULATOR_JUPYTER_PATH": spec.jupyter_path} if spec.is_interactive else {}
    return own | host | user_base | _system_variables(places) | _kaggle_variables(spec) | dict(spec.env)


def _system_variables(places: Places) -> dict[str, str]:
    python_bin = str(Path(sys.executable).parent)
    return {
        "HOME": places.home,
        "USER": "root",
        "SHELL": "/bin/bash",
        "PATH": os.pathsep.join([python_bin, os.environ.get("PATH", os.defpath)]),
        "PWD": places.working,
        "TMPDIR": places.tmp,
        "KAGGLE_CACHE_MOUNT_FOLDER": f"{places.kaggle}/input",
        "PYTHONPATH": f"{places.kaggle}/lib/kagglegym:{places.kaggle}/lib",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "agg",
        "JUPYTER_PATH": f"{places.support}/jupyter",
    }


def _kaggle_variables(spec: Spec) -> dict[str, str]:
    return {
        "KAGGLE_KERNEL_RUN_TYPE": "Interactive" if spec.is_interactive else "Batch",
        "KAGGLE_URL_BASE": "https://www.kaggle.com",
        "KAGGLE_DATA_PROXY_URL": "https://dp.kaggle.net",
        "KAGGLE_DATA_PROXY_PROJECT": "kaggle-161607",
        "KAGGLE_KERNEL_INTEGRATIONS": "",
        "KAGGLE_CONTAINER_NAME": f"kaggle_emulator-{spec.session_id}",
    }
