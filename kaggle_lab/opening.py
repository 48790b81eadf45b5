"""What the server, the magic and the command line have in common: the workspace, and opening the manager."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from argparse import Namespace

    from .config import Config
    from .manager import Manager, SubmitRequest
    from .models import Fetching

ROOT_VARIABLE = "KAGGLE_LAB_ROOT"
"""The Jupyter server tells its root to the kernels and terminals it starts, so that all see the same runs."""


def tell_children(root: str, settings: Mapping[str, object], environ: MutableMapping[str, str]) -> None:
    """Put the server's root and settings where its kernels and terminals find them; None is not a setting."""
    environ[ROOT_VARIABLE] = root
    for name, value in settings.items():
        if value is not None:
            environ[f"KAGGLE_LAB_{name.upper()}"] = str(value)


def workspace_root(environ: Mapping[str, str] | None = None) -> Path:
    """The workspace of this process: ``KAGGLE_LAB_ROOT``, else the current folder."""
    environ = os.environ if environ is None else environ
    return Path(environ.get(ROOT_VARIABLE) or Path.cwd()).resolve()


def request_of(
    args: Namespace, notebook_path: str, *, content: str | None = None, remember: bool = True
) -> SubmitRequest:
    """What the arguments of ``jupyter kaggle submit`` and ``%kaggle_submit`` ask for."""
    from .manager import SubmitRequest
    from .wording import sources_of

    return SubmitRequest(
        notebook_path=notebook_path,
        content=content,
        client_token=uuid4().hex,
        accelerator=args.accelerator,
        title=args.title,
        internet=args.internet,
        private=args.private,
        time_cap_s=args.time_cap,
        sources=sources_of(args),
        save_only=args.save_only,
        add_version=args.add_version,
        remember=remember,
        partial=content is not None,
        retrieve=_retrieve_of(args),
        output_dir=getattr(args, "output", None) or "",
    )


def _retrieve_of(args: Namespace) -> Fetching:
    from .models import Fetching

    if getattr(args, "no_retrieve", False):
        return Fetching.NEVER
    return Fetching.AUTO if getattr(args, "output", None) else Fetching.AS_SET


def in_workspace(path: Path, root: Path) -> tuple[Path, str]:
    """A file as (workspace, path in it); one outside ``root`` gets its own folder as workspace."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - a linked folder stays where it is linked
    real, real_root = Path(os.path.realpath(path.parent)) / path.name, Path(os.path.realpath(root))
    for base, file in ((root, path), (real_root, path), (real_root, real)):
        if file.is_relative_to(base):
            return base, file.relative_to(base).as_posix()
    return real.parent, real.name


def require_utf8(path: str) -> None:
    """Raises BadRequest for a name that neither Kaggle nor the list of runs can hold."""
    from .errors import BadRequest

    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        shown = path.encode("utf-8", "replace").decode()
        raise BadRequest(
            f"The name {shown} is not UTF-8, and Kaggle Lab takes no other.",
            remedy="Rename this file or folder.",
        ) from None


async def open_manager(config: Config, root: Path, *, watch: bool) -> Manager:
    """Open the manager with the emulator it may need. Raises StoreTrouble, BadRequest."""
    from .emulator_process import EmulatorControl
    from .manager import Manager

    require_utf8(str(root))
    return await Manager.open(config, root, watch=watch, emulator=EmulatorControl(config))
