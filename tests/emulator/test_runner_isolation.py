"""What a session can see and change, in namespaces and without."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from runner_sessions import ROOT, Session, code_cell, order, order_notebook, wait_until


def namespaces_allowed() -> bool:
    """Whether this machine lets us have namespaces at all; asked of another program than ours."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", *user, "--mount", "--pid", "--fork", "--mount-proc", "true"]
    return (
        shutil.which("unshare") is not None and subprocess.run(command, capture_output=True).returncode == 0
    )


needs_namespaces = pytest.mark.skipif(not namespaces_allowed(), reason="this machine forbids namespaces")


def dataset(path: Path) -> Path:
    (path / "sub").mkdir(parents=True)
    (path / "train.csv").write_text("a,b\n1,2\n")
    (path / "sub" / "deep.txt").write_text("deep")
    return path


INPUTS = """
import os
for path in ["datasets/ada/iris", "iris"]:
    for name in ["train.csv", "sub/deep.txt"]:
        print(path, open(f"/kaggle/input/{path}/{name}").read().strip())
print(sorted(os.listdir("/kaggle/input")))
for target in ["input/iris/train.csv", "input/iris/new", "input/new", "src/new", "input/datasets/ada/iris/x"]:
    try:
        open("/kaggle/" + target, "w")
        print("wrote", target)
    except OSError as error:
        print(error.strerror)
"""


@needs_namespaces
def test_inputs_are_read_only_at_both_places(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "data")
    inputs = [{"mount": "datasets/ada/iris", "old_mount": "iris", "path": str(folder)}]
    session = order(tmp_path / "s", INPUTS, inputs=inputs)
    assert session.run(isolation="mount-namespace")["isolation"] == "mount-namespace"
    lines = session.text("stdout").splitlines()
    assert lines[0] == "datasets/ada/iris a,b"
    assert lines.count("iris deep") == 1
    assert "['datasets', 'iris']" in lines
    assert lines[-5:] == ["Read-only file system"] * 5
    assert sorted(path.name for path in folder.iterdir()) == ["sub", "train.csv"]


@needs_namespaces
def test_two_datasets_of_one_name_share_no_old_place(tmp_path: Path) -> None:
    first, second = dataset(tmp_path / "1"), tmp_path / "2"
    second.mkdir()
    inputs = [
        {"mount": "datasets/ada/iris", "old_mount": "iris", "path": str(first)},
        {"mount": "datasets/bob/iris", "old_mount": "iris", "path": str(second)},
        {"mount": "competitions/titanic", "old_mount": None, "path": str(second)},
    ]
    source = """
import os
for path in ["iris", "datasets/bob/iris", ".", "datasets"]:
    print(sorted(os.listdir("/kaggle/input/" + path)))
"""
    session = order(tmp_path / "s", source, inputs=inputs)
    session.run()
    assert session.text("stdout").splitlines() == [
        "['sub', 'train.csv']", "[]", "['competitions', 'datasets', 'iris']", "['ada', 'bob']",
    ]  # fmt: skip


TRACES = """
import os, sys, time
places = ["/kaggle/working", "/kaggle/temp", "/tmp", "/var/tmp", "/root", "/dev/shm", "/usr/local", "/opt"]
places += ["/etc", sys.prefix, "/"]
for place in places:
    with open(f"{place}/trace-TOKEN", "w") as file:
        file.write("x")
print("written")
while not os.path.exists("/kaggle/working/go-on"):
    time.sleep(0.02)
for place in places:
    print(place, sorted(name for name in os.listdir(place) if name.startswith("trace-")))
"""


@needs_namespaces
def test_two_sessions_at_once_see_neither_each_other_nor_the_machine(tmp_path: Path) -> None:
    sessions = {
        token: order(tmp_path / token, TRACES.replace("TOKEN", token)).start() for token in ("one", "two")
    }
    for session in sessions.values():
        wait_until(
            lambda s=session: (s.path / "log.ndjson").exists() and "written" in s.text("stdout"), "traces"
        )
    places = [
        "/",
        "/tmp",
        "/var/tmp",
        "/root",
        "/dev/shm",
        "/usr/local",
        "/opt",
        "/etc",
        sys.prefix,
        "/kaggle",
    ]
    on_host = [place for place in places if list(Path(place).glob("trace-*"))]
    for session in sessions.values():
        (session.working / "go-on").touch()
    for token, session in sessions.items():
        assert session.finish()["outcome"] == "complete", session.text("stderr")
        assert {line.split(" ", 1)[1] for line in session.text("stdout").splitlines()[1:]} == {
            f"['trace-{token}']"
        }
        assert (session.working / f"trace-{token}").exists()
    assert on_host == []


@needs_namespaces
def test_host_home_and_emulator_data_are_out_of_sight(tmp_path: Path) -> None:
    data = Path(tempfile.mkdtemp(dir=ROOT, prefix=".runner-test-"))
    try:
        (data / "tokens.db").write_text("secret")
        allowed = {part for path in (sys.prefix, sys.base_prefix) for part in Path(path).parts}
        source = f"""
import os
home = {str(tmp_path)!r}
homes = {{name for home in ("/root", "/home") for name in os.listdir(home)}} - {allowed!r}
print(os.path.exists(home), homes, os.path.exists({str(data / "tokens.db")!r}), os.listdir("/run"))
print(len([p for p in os.listdir("/proc") if p.isdigit()]) < 5)
"""
        session = order(data / "sessions" / "7", source)
        assert session.run(extra_env={"HOME": str(tmp_path)})["outcome"] == "complete", session.text("stderr")
        assert session.text("stdout").splitlines() == ["False set() False ['kaggle']", "True"]
    finally:
        shutil.rmtree(data)


@needs_namespaces
def test_session_is_root_but_cannot_touch_the_machine(tmp_path: Path) -> None:
    source = """
import ctypes, os
print(os.getuid())
libc = ctypes.CDLL(None, use_errno=True)
print(libc.mount(b"tmpfs", b"/mnt", b"tmpfs", 0, None), os.strerror(ctypes.get_errno()))
print(sorted(set(os.listdir("/dev")) & {"vda", "sda", "mem", "kmsg"}))
print(os.isatty(os.openpty()[1]))
"""
    session = order(tmp_path, source)
    session.run()
    assert session.text("stdout").splitlines() == ["0", "-1 Operation not permitted", "[]", "True"]


@pytest.fixture
def listener() -> Iterator[int]:
    """A port on this machine that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


CONNECT = """
import socket
try:
    socket.create_connection(("127.0.0.1", PORT), 5).close()
    print("connected")
except OSError as error:
    print(type(error).__name__)
try:
    socket.getaddrinfo("service.invalid", 80)
except OSError as error:
    print(type(error).__name__)
own = socket.create_server(("127.0.0.1", 0))
socket.create_connection(own.getsockname()).close()
print("loopback works")
"""


@needs_namespaces
def test_without_internet_there_is_only_the_own_loopback(tmp_path: Path, listener: int) -> None:
    session = order(tmp_path, CONNECT.replace("PORT", str(listener)), internet=False)
    session.run()
    assert session.text("stdout").splitlines() == ["ConnectionRefusedError", "gaierror", "loopback works"]


def test_with_internet_the_network_is_the_machines(tmp_path: Path, listener: int) -> None:
    session = order(tmp_path, CONNECT.split("try:\n    socket.getaddrinfo")[0].replace("PORT", str(listener)))
    session.run()
    assert session.text("stdout") == "connected\n"


@needs_namespaces
def test_notebook_runs_without_internet(tmp_path: Path) -> None:
    session = order_notebook(tmp_path, "print('offline')", internet=False)
    assert session.run()["outcome"] == "complete"
    assert session.text("stdout") == "offline\n"


@pytest.fixture
def plain_users_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    os.chown(folder, 65534, 65534)
    yield folder
    shutil.rmtree(folder)


NOBODY = {"user": 65534, "group": 65534, "extra_groups": ()}


def python_for_others() -> str | None:
    """A Python that another user can run; root's own often lies in root's home."""
    for python in (sys.executable, "/usr/bin/python3"):
        command = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(command, capture_output=True, **NOBODY).returncode == 0:
                return python
        except OSError:
            continue
    return None


@needs_namespaces
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_plain_user_gets_namespaces_too(plain_users_folder: Path, tmp_path: Path) -> None:
    python = python_for_others()
    if python is None:
        pytest.skip("no Python here can be run by another user")
    folder = dataset(plain_users_folder / "data")
    inputs = [{"mount": "datasets/ada/iris", "old_mount": "iris", "path": str(folder)}]
    session = order(plain_users_folder / "s", INPUTS + "\nprint(os.getuid())", inputs=inputs, internet=False)
    for path in (session.path, *session.path.iterdir()):
        os.chown(path, 65534, 65534)
    result = session.run(python=python, extra_env={"HOME": "/nonexistent"}, **NOBODY)
    assert (result["outcome"], result["isolation"]) == ("complete", "mount-namespace"), session.log()
    assert session.text("stdout").splitlines()[-6:] == ["Read-only file system"] * 5 + ["0"]
    assert not (session.path / "scratch").exists()


# -- without namespaces -----------------------------------------------------------------------------------


def test_fallback_says_what_it_lacks_and_still_runs_the_notebook(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "data")
    inputs = [{"mount": "datasets/ada/iris", "old_mount": "iris", "path": str(folder)}]
    session = order_notebook(
        tmp_path / "s",
        "import os\nfrom pathlib import Path\nroot = Path(os.environ['PWD']).parent",
        "print(Path.cwd() == (root / 'working').resolve(), (root / 'input/iris/train.csv').read_text()[:3])",
        "print((root / 'input/datasets/ada/iris/sub/deep.txt').read_text(), os.environ['HOME'])",
        code_cell("1 / 0", "raises-exception"),
        "open('model.bin', 'w').write('x')",
        inputs=inputs,
        internet=False,
    )
    result = session.run(isolation="fallback")
    assert (result["outcome"], result["isolation"]) == ("complete", "fallback")
    assert session.text("stdout") == f"True a,b\ndeep {session.path}/scratch/home\n"
    notes = [record["data"] for record in session.log() if record["data"].startswith("[kaggle-emulator]")]
    assert [record["data"] for record in session.log()[: len(notes)]] == notes
    assert "without isolation" in notes[0]
    assert "/kaggle" in notes[1]
    assert "cannot be cut off" in notes[-1]
    assert {"model.bin", "__notebook__.ipynb", "__results__.html"} <= {
        path.name for path in session.working.iterdir()
    }
    assert not (session.path / "kaggle").exists()
    assert not Path("/kaggle").is_symlink() or Path("/kaggle").readlink().parent != session.path


def test_fallback_sessions_at_once_keep_to_their_own_folders(tmp_path: Path) -> None:
    """Only one of them can have the path /kaggle; the other is told where its folders are."""
    source = """
import os, time
print(os.path.realpath(os.environ["PWD"]))
while not os.path.exists("go-on"):
    time.sleep(0.02)
"""
    sessions = [order(tmp_path / name, source).start(isolation="fallback") for name in ("one", "two")]
    for session in sessions:
        wait_until(lambda s=session: (s.path / "log.ndjson").exists() and s.text("stdout"), "output")
        assert session.text("stdout") == f"{session.working}\n"
    told = [session for session in sessions if str(session.path / "kaggle") in session.text("stderr")]
    assert len(told) >= 1
    for session in sessions:
        (session.working / "go-on").touch()
        assert session.finish()["outcome"] == "complete"


def test_isolation_can_be_demanded(tmp_path: Path) -> None:
    """Inside a session namespaces are forbidden, so a runner started there must refuse or fall back."""
    inner = tmp_path / "inner"
    order(inner, "print('inner')")
    source = """
import os, shutil, subprocess, sys
shutil.copytree("/kaggle/input/project", "/kaggle/working/inner")
env = dict(os.environ, PYTHONPATH="/kaggle/input/code", KAGGLE_EMULATOR_ISOLATION=MODE)
command = [sys.executable, "-m", "kaggle_lab.emulator.runner", "/kaggle/working/inner"]
subprocess.run(command, env=env, stderr=subprocess.DEVNULL)
"""
    results = {}
    for mode in ("mount-namespace", "auto"):
        inputs = [{"mount": "project", "path": str(inner)}, {"mount": "code", "path": str(ROOT)}]
        session = order(tmp_path / mode, source.replace("MODE", repr(mode)), inputs=inputs)
        session.run()
        results[mode] = Session(session.working / "inner")
    assert results["mount-namespace"].read("result.json")["outcome"] == "error"
    assert results["auto"].read("result.json")["outcome"] == "complete"
    assert results["auto"].read("result.json")["isolation"] == "fallback"
    assert "Operation not permitted" in results["auto"].text("stderr")
