"""Prove a wheel: what it holds, and that JupyterLab finds both halves where there is no Node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from common import BIN, PYTHON, ROOT, SCRATCH, StepFailed, guarded, say, scratch_jupyter_env, step, tool_env
from setup_env import uv_env

LAB = "share/jupyter/labextensions/kaggle-lab/"
NEEDED = (
    "kaggle_lab/__init__.py",
    "kaggle_lab/extension.py",
    "kaggle_lab/emulator/__main__.py",
    LAB + "package.json",
    LAB + "install.json",
    LAB + "schemas/kaggle-lab/plugin.json",
    LAB + "schemas/kaggle-lab/package.json.orig",
    LAB + "static/style.js",
    "etc/jupyter/jupyter_server_config.d/kaggle_lab.json",
)
UNWANTED = (".map", "build_log.json", ".spec.ts", ".tsbuildinfo", "__pycache__")
TOO_BIG = 2_000_000


def check_contents(wheel: Path) -> None:
    """Raise StepFailed when a file is missing or one is in that must not be."""
    names = zipfile.ZipFile(wheel).namelist()
    missing = [name for name in NEEDED if not any(found.endswith(name) for found in names)]
    extra = [
        name for name in names if name.endswith(UNWANTED) or name.startswith(("tests/", "node_modules/"))
    ]
    if missing or extra:
        raise StepFailed(f"{wheel.name}: missing {missing}, not wanted {extra}")
    if wheel.stat().st_size > TOO_BIG:
        raise StepFailed(f"{wheel.name}: {wheel.stat().st_size} bytes is too much")


def check_installation(wheel: Path) -> None:
    """Install into a new environment with no Node on the PATH and ask Jupyter for both extensions."""
    scratch = SCRATCH / "wheel"
    shutil.rmtree(scratch, ignore_errors=True)
    venv = scratch / "venv"
    step("scratch environment", [PYTHON, "-m", "venv", "--without-pip", venv])
    env = {**uv_env(), "VIRTUAL_ENV": str(venv), "PATH": _path_without_node(venv)}
    step("install the wheel", [BIN / "uv", "pip", "install", wheel], env=env)
    env |= scratch_jupyter_env(scratch)
    _expect(venv, env, ["labextension", "list"], "kaggle-lab v")
    _expect(venv, env, ["server", "extension", "list"], "kaggle_lab")
    _expect(venv, env, ["kaggle", "--help"], "submit")
    shutil.rmtree(scratch, ignore_errors=True)


def _path_without_node(venv: Path) -> str:
    folders = tool_env()["PATH"].split(os.pathsep)
    kept = [folder for folder in folders if folder != str(BIN) and not (Path(folder) / "node").exists()]
    return os.pathsep.join([str(venv / "bin"), *kept])


def _expect(venv: Path, env: dict[str, str], words: list[str], text: str) -> None:
    command = [str(venv / "bin" / "jupyter"), *words]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=venv, check=False)
    shown = done.stdout + done.stderr
    lines = [line for line in shown.splitlines() if text in line]
    if done.returncode or not lines or any("error" in line.lower() or " X" in line for line in lines):
        raise StepFailed(f"jupyter {' '.join(words)} does not show {text!r}:\n{shown}")
    say(f"  jupyter {' '.join(words)}: {lines[0].strip()}")


def main() -> int:
    """Check the wheel named on the command line."""
    wheel = (ROOT / sys.argv[1]).resolve()
    check_contents(wheel)
    check_installation(wheel)
    return 0


if __name__ == "__main__":
    guarded(main)
