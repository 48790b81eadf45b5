"""The private file tree of one session, built inside its own mount namespace.

A fresh root is assembled in the session's scratch folder and then made ``/``:

* /kaggle/working, /kaggle/temp, /kaggle/src and, read-only, every input below /kaggle/input;
* /tmp, /var/tmp, /root, /home, /run and the emulator's own data are private: empty, gone afterwards;
* every other folder of the host is seen through an overlay, so that ``pip install`` or a stray
  write works as in a container and leaves no trace; where overlays are refused the folder is
  read-only;
* the Python that runs the emulator stays where it is, even when it lies in a hidden folder.

Nothing is created on the host outside the session directory. Errors are ``OSError``.
"""

from __future__ import annotations

import contextlib
import enum
import os
import re
import site
import sys
from pathlib import Path

from . import sandbox_linux as linux
from .runner_spec import Input, SessionDir

_PRIVATE = ("home", "kaggle", "root", "run", "tmp")
_VIRTUAL = ("dev", "proc", "sys")
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_DEVICE_FAMILIES = ("nvidia", "dri", "kfd", "accel", "vfio", "infiniband")


class View(enum.Enum):
    """How the session sees a folder of the host."""

    OVERLAY = "overlay"
    READ_ONLY = "read-only"
    HIDDEN = "hidden"


class PrivateTree:
    """Builds the tree for ``session`` at ``root`` and enters it."""

    def __init__(self, session: SessionDir, inputs: tuple[Input, ...]) -> None:
        self._session = session
        self._inputs = inputs
        self.root = session.scratch / "root"
        self._layers = session.scratch / "layers"
        self._layer_count = 0
        self._views: dict[Path, View] = {}

    def enter(self) -> None:
        """Build everything and make it the root folder of this process."""
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
        self._prepare()
        self._show_host()
        self._hide()
        self._show_python()
        self._show_devices()
        self._show_kaggle()
        linux.enter_root(self.root)

    def _prepare(self) -> None:
        self.root.mkdir(exist_ok=True)
        self._layers.mkdir(exist_ok=True)
        linux.mount("tmpfs", self.root, "tmpfs", linux.MS_NOSUID, "mode=755")
        if not self._overlays_work():
            linux.mount("tmpfs", self._layers, "tmpfs", 0, "mode=755")

    def _overlays_work(self) -> bool:
        probe = self._layers / "probe"
        probe.mkdir(exist_ok=True)
        try:
            self._overlay(probe, probe)
        except OSError:
            return False
        linux.unmount(probe)
        return True

    def _inside(self, path: str | Path) -> Path:
        return self.root / str(path).lstrip("/")

    # -- the host ---------------------------------------------------------------------------------------

    def _show_host(self) -> None:
        for name in _PRIVATE:
            self._inside(name).mkdir()
        for entry in os.scandir("/"):
            target = self._inside(entry.path)
            if entry.name in _PRIVATE:
                continue
            if entry.is_symlink():
                target.symlink_to(Path(entry.path).readlink())
            elif entry.is_dir():
                target.mkdir()
                if entry.name not in _VIRTUAL:
                    self._show_folder(Path(entry.path))
        linux.bind("/sys", self._inside("/sys"), read_only=True)
        linux.mount("proc", self._inside("/proc"), "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)

    def _show_folder(self, folder: Path) -> None:
        """Overlay ``folder``, mounts in it included; read-only when an overlay is impossible."""
        target = self._inside(folder)
        try:
            self._overlay(folder, target)
        except OSError:
            linux.bind(folder, target, read_only=True)
            self._views[folder] = View.READ_ONLY
            return
        self._views[folder] = View.OVERLAY
        for inner in _mounts_below(folder, but=self._session.scratch):
            with contextlib.suppress(OSError):  # hidden by a later mount, or not for us to see
                linux.bind(inner, self._inside(inner), read_only=True)

    def _overlay(self, lower: Path, target: Path) -> None:
        self._layer_count += 1
        upper, work = (self._layers / f"{part}{self._layer_count}" for part in ("upper", "work"))
        upper.mkdir()
        work.mkdir()
        upper.chmod(lower.stat().st_mode & 0o7777)
        layers = f"lowerdir={_escape(lower)},upperdir={_escape(upper)},workdir={_escape(work)}"
        try:
            linux.mount("overlay", target, "overlay", 0, layers)
        except OSError:
            linux.mount("overlay", target, "overlay", 0, f"{layers},userxattr")

    # -- what is private --------------------------------------------------------------------------------

    def _hide(self) -> None:
        scratch = self._session.scratch
        linux.bind(scratch / "tmp", self._inside("/tmp"))  # noqa: S108 - the session's own
        linux.bind(scratch / "home", self._inside("/root"))
        if not Path("/var/tmp").is_symlink() and self._inside("/var/tmp").is_dir():  # noqa: S108
            linux.bind(scratch / "tmp", self._inside("/var/tmp"))  # noqa: S108
        for folder in (self._session.data, _home()):
            if folder != Path("/") and not self._is_private(folder) and self._inside(folder).is_dir():
                linux.mount("tmpfs", self._inside(folder), "tmpfs", linux.MS_NOSUID, "mode=755")
                self._views[folder] = View.HIDDEN
        self._keep_resolver()

    def _keep_resolver(self) -> None:
        """Name resolution is often configured by a link into /run, which is private here."""
        real = Path("/etc/resolv.conf").resolve()
        if real.is_file() and self._is_private(real):
            copy = self._inside(real)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(real.read_bytes())

    @staticmethod
    def _is_private(path: Path) -> bool:
        return len(path.parts) > 1 and path.parts[1] in _PRIVATE

    def _show_python(self) -> None:
        for link in _links_to_python():
            target = self._inside(link)
            with contextlib.suppress(OSError):
                target.rmdir()  # a private folder that is a link on the host
            if not target.is_symlink() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(link.readlink())
        for folder in _python_folders():
            if self._view_of(folder) is not View.OVERLAY:
                self._inside(folder).mkdir(parents=True, exist_ok=True)
                self._show_folder(folder)

    def _view_of(self, folder: Path) -> View:
        for place in (folder, *folder.parents):
            if place in self._views:
                return self._views[place]
        return View.HIDDEN

    # -- devices ----------------------------------------------------------------------------------------

    def _show_devices(self) -> None:
        dev = self._inside("/dev")
        linux.mount("tmpfs", dev, "tmpfs", linux.MS_NOSUID, "mode=755")
        for entry in os.scandir("/dev"):
            if entry.name in _DEVICES or entry.name.startswith(_DEVICE_FAMILIES):
                self._show_device(Path(entry.path), dev / entry.name)
        (dev / "shm").mkdir()
        linux.mount("tmpfs", dev / "shm", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=1777")
        (dev / "pts").mkdir()
        linux.mount("devpts", dev / "pts", "devpts", linux.MS_NOSUID, "newinstance,ptmxmode=0666,mode=620")
        (dev / "ptmx").symlink_to("pts/ptmx")
        for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
            (dev / name).symlink_to(f"/proc/self/{target}")

    @staticmethod
    def _show_device(source: Path, target: Path) -> None:
        if source.is_symlink():
            target.symlink_to(source.readlink())
            return
        if source.is_dir():
            target.mkdir()
        else:
            target.touch()
        linux.bind(source, target)

    # -- /kaggle ----------------------------------------------------------------------------------------

    def _show_kaggle(self) -> None:
        kaggle = self._inside("/kaggle")
        for name in ("working", "temp", "src", "input", "lib"):
            (kaggle / name).mkdir(parents=True)
        linux.bind(self._session.working, kaggle / "working")
        linux.bind(self._session.scratch / "temp", kaggle / "temp")
        linux.bind(self._session.scratch / "src", kaggle / "src", read_only=True)
        linux.bind(self._session.scratch / "lib", kaggle / "lib", read_only=True)
        support = self._inside("/run/kaggle")
        support.mkdir(parents=True)
        linux.bind(self._session.scratch / "support", support, read_only=True)
        if self._session.server.is_dir():
            linux.bind(self._session.server, support / "server")
        self._show_inputs(kaggle / "input")

    def _show_inputs(self, folder: Path) -> None:
        # A folder of the host, so that the server can lay more inputs into it while the session runs.
        linux.bind(self._session.scratch / "input", folder)
        shown: set[str] = set()
        for item in self._inputs:
            for place in item.places:
                if place not in shown and item.path.is_dir():
                    shown.add(place)
                    (folder / place).mkdir(parents=True, exist_ok=True)
                    linux.bind(item.path, folder / place, read_only=True)
        linux.make_read_only(folder)


def _home() -> Path:
    """The user's home folder; the root folder for a user without one."""
    try:
        return Path.home().resolve()
    except RuntimeError:
        return Path("/")


def _python_names() -> list[Path]:
    named = [
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        str(Path(sys.executable).parent),
        *site.getsitepackages(),
    ]
    if site.ENABLE_USER_SITE:
        named.append(site.getusersitepackages())
    return [Path(name) for name in named if Path(name).is_dir()]


def _python_folders() -> list[Path]:
    """The folders this interpreter runs from, outermost first, free of symbolic links."""
    found = {name.resolve() for name in _python_names()} | {Path(sys.executable).resolve().parent}
    return sorted(found, key=lambda path: len(path.parts))


def _links_to_python() -> list[Path]:
    """Every symbolic link that is followed on the way to this interpreter and its packages."""
    return [link for name in (*_python_names(), Path(sys.executable)) for link in _links_on(name)]


def _links_on(path: Path) -> list[Path]:
    found: list[Path] = []
    here, pending = Path("/"), list(path.parts[1:])
    while pending and len(found) < 40:
        step = here / pending.pop(0)
        if step.is_symlink():
            found.append(step)
            target = step.readlink()
            here = Path("/") if target.is_absolute() else here
            pending = [part for part in target.parts if part != "/"] + pending
        else:
            here = here.parent if step.name == ".." else step
    return found


def _mounts_below(folder: Path, but: Path) -> list[Path]:
    """The outermost mount points inside ``folder`` and outside ``but``; a bind brings the inner ones."""
    found: list[Path] = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        point = Path(re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), line.split()[4]))
        if (
            folder in point.parents
            and but not in point.parents
            and not any(outer in point.parents for outer in found)
        ):
            found.append(point)
    return found


def _escape(path: Path) -> str:
    return re.sub(r"([\\:,])", r"\\\1", str(path))
