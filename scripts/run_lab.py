"""``make run``: JupyterLab on ``examples/``, on Kaggle when credentials are found, else on the emulator."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from common import BIN, PYTHON, ROOT, SCRATCH, StepFailed, call, flag, guarded, say, tool_env
from setup_env import set_up

EXAMPLES = ROOT / "examples"
NOTEBOOK = "digits.ipynb"
FIND_CREDENTIALS = (
    "from kaggle_lab.credentials import find_credentials\n"
    "found = find_credentials()\n"
    "print(found.source if found else '')"
)


def main() -> int:
    """Set up, then open the browser, or do the job without one."""
    set_up(extension=not flag("HEADLESS"))
    return _headless() if flag("HEADLESS") else _browser()


def lab_env(endpoint: str | None = None) -> dict[str, str]:
    """The environment Kaggle Lab runs in from a checkout: its own data folder, and an endpoint.

    Without one given or set, it is Kaggle where credentials are found, and the emulator elsewhere.
    """
    env = tool_env()
    env.setdefault("KAGGLE_LAB_DATA_DIR", str(SCRATCH / "kaggle_lab"))
    if endpoint is not None:
        env["KAGGLE_LAB_ENDPOINT"] = endpoint
    elif "KAGGLE_LAB_ENDPOINT" not in env:
        source = _credentials()
        env["KAGGLE_LAB_ENDPOINT"] = "" if source else "emulator"
        say(f"Kaggle credentials: {source}" if source else "No Kaggle credentials found: using the emulator.")
    return env


def _credentials() -> str:
    """Where Kaggle credentials were found on this machine, or nothing."""
    found = subprocess.run(
        [PYTHON, "-c", FIND_CREDENTIALS],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=tool_env(),
        check=False,
    )
    if found.returncode:
        raise StepFailed(f"looking for Kaggle credentials failed:\n{found.stderr}")
    return found.stdout.strip()


# --- with a browser -------------------------------------------------------------------------------


def _browser() -> NoReturn:
    command = [str(BIN / "jupyter"), "lab", "--ip=127.0.0.1", f"--LabApp.default_url=/lab/tree/{NOTEBOOK}"]
    command.append(f"--ServerApp.root_dir={EXAMPLES}")
    port = os.environ.get("PORT")
    if port:
        command += [f"--port={port}", "--ServerApp.port_retries=0"]
    if os.geteuid() == 0:
        command.append("--allow-root")
    if flag("NO_BROWSER") or not _has_display():
        command.append("--no-browser")
        say("Open the address below in a browser. Ctrl-C twice stops the server; runs on Kaggle go on.")
    env = lab_env()
    os.chdir(EXAMPLES)
    # Jupyter takes this process's place, so that Ctrl-C reaches nobody but Jupyter, which asks back.
    os.execve(command[0], command, env)  # noqa: S606


def _has_display() -> bool:
    if sys.platform == "darwin":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


# --- without --------------------------------------------------------------------------------------


def _headless() -> int:
    """Submit the sample notebook, follow it, bring its files back and look at every one of them."""
    if not flag("KAGGLE"):
        say("Running on the local emulator (KAGGLE=1 runs it on Kaggle and uses the account's quota).")
    env = lab_env(endpoint=None if flag("KAGGLE") else "emulator")
    output = Path("kaggle-output") / f"digits-{time.strftime('%Y%m%d-%H%M%S')}"
    command: list[str | Path] = [BIN / "jupyter", "kaggle", "submit", NOTEBOOK, "--wait", "--output", output]
    status = call(command, env=env, cwd=EXAMPLES)
    if status:
        say(f"\nThe run did not bring everything back (exit status {status}).")
        return status
    return call([PYTHON, ROOT / "scripts" / "check_outputs.py", EXAMPLES / output])


if __name__ == "__main__":
    guarded(main)
