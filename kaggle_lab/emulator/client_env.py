"""How a program is pointed at an emulator: an environment in which Kaggle's own clients talk to it.

It imports nothing but the standard library.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

KEPT = ("KAGGLE_LAB_TEST_VIOLATIONS", "KAGGLE_EMULATOR_ISOLATION")
_HOME_FOLDERS = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
# Kaggle's client knows only one local address; this gives it another, then lets the next such hook run.
_HOOK = """\
import os, runpy, sys
try:
    import kagglesdk.kaggle_env as kaggle_env
    kaggle_env._env_to_endpoint[kaggle_env.KaggleEnv.LOCAL] = os.environ["KAGGLE_EMULATOR_URL"]
except ImportError:
    pass
here = os.path.dirname(__file__)
others = [os.path.join(folder, "sitecustomize.py") for folder in sys.path if folder != here]
for other in [path for path in others if os.path.isfile(path)][:1]:
    runpy.run_path(other)
"""


def client_environment(url: str, home: Path, credentials: Mapping[str, str]) -> dict[str, str]:
    """A copy of this process's environment that leads to the emulator at `url`.

    `home` becomes HOME and gets a start-up hook for Python; `credentials` are variables as Kaggle's clients
    read them. Variables of Kaggle's and of proxies are left out, so that neither the user's own account nor
    Kaggle itself can be reached by mistake. Raises OSError when `home` cannot be written.
    """
    hook = home / "kaggle-emulator-hook"
    hook.mkdir(parents=True, exist_ok=True)
    (hook / "sitecustomize.py").write_text(_HOOK)
    return {
        **{name: value for name, value in os.environ.items() if _is_kept(name)},
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(hook), os.environ.get("PYTHONPATH")))),
        "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
        "KAGGLE_EMULATOR_URL": url,
        "KAGGLE_CONFIG_DIR": str(home / ".kaggle"),
        **credentials,
    }


def _is_kept(name: str) -> bool:
    if name.startswith(("KAGGLE_", "KAGGLEHUB_")):
        return name in KEPT
    return "PROXY" not in name.upper() and name not in _HOME_FOLDERS
