"""The few Linux calls that Python's standard library lacks: namespaces, mounts, death signals.

Every function raises ``OSError`` with the kernel's reason, on a system without the call with ``ENOSYS``.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_SYS_MOUNT_SETATTR = 442  # one number on every architecture
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 1
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x41

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: Any) -> int:
    function: Callable[..., int] | None = getattr(_libc, name, None)
    if function is None:
        raise OSError(errno.ENOSYS, f"{name} is not available on this system")
    result = function(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces that ``flags`` (``CLONE_NEW*``) name."""
    _call("unshare", ctypes.c_int(flags))


def mount(source: str | Path, target: str | Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount ``source`` on ``target``, as mount(2)."""
    _call(
        "mount",
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        os.fsencode(options) or None,
    )


def bind(source: str | Path, target: str | Path, *, read_only: bool = False) -> None:
    """Show the tree ``source``, with what is mounted in it, at ``target`` as well."""
    mount(source, target, flags=MS_BIND | MS_REC)
    if read_only:
        make_read_only(target)


class _MountAttributes(ctypes.Structure):
    _fields_ = [
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    ]


def make_read_only(target: str | Path) -> None:
    """Make the mount at ``target`` read-only, and those below it where the kernel (5.12) can."""
    wish = _MountAttributes(set=_MOUNT_ATTR_RDONLY)
    try:
        _call(
            "syscall",
            ctypes.c_long(_SYS_MOUNT_SETATTR),
            ctypes.c_int(_AT_FDCWD),
            os.fsencode(target),
            ctypes.c_uint(_AT_RECURSIVE),
            ctypes.byref(wish),
            ctypes.c_size_t(ctypes.sizeof(wish)),
        )
    except OSError:
        # A user namespace may not drop nosuid and the like, so they are repeated.
        kept = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
        mount("none", target, flags=MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def enter_root(new_root: Path) -> None:
    """Make the mount point ``new_root`` the root folder and let go of the old one."""
    os.chdir(new_root)
    _call("pivot_root", b".", b".")
    unmount(Path())
    os.chdir("/")


def unmount(target: Path) -> None:
    """Take away what is mounted at ``target``, at the latest when nothing uses it any more."""
    _call("umount2", os.fsencode(target), ctypes.c_int(MNT_DETACH))


def _prctl(option: int, value: int) -> None:
    _call("prctl", ctypes.c_int(option), *map(ctypes.c_ulong, (value, 0, 0, 0)))


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send ``signal_number`` to this process when its parent ends."""
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def keep_capabilities(kept: frozenset[int]) -> None:
    """Drop every capability but ``kept`` from what this process and its children can ever hold."""
    for capability in range(64):
        try:
            _prctl(_PR_CAPBSET_READ, capability)
        except OSError:
            return  # beyond the last one the kernel knows
        if capability not in kept:
            _prctl(_PR_CAPBSET_DROP, capability)


def raise_loopback() -> None:
    """Switch on the loopback device of a fresh network namespace."""
    request = struct.pack("16sh22x", b"lo", _IFF_UP_RUNNING)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, request)


def become_mapped_root(uid: int, gid: int) -> None:
    """In a fresh user namespace, be root there; outside it remain ``uid`` and ``gid``."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
