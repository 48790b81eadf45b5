"""``make build``: a production wheel in ``dist/``, then proof that it installs without Node and is found."""

from __future__ import annotations

import shutil

from check_wheel import check_contents, check_installation
from common import PYTHON, ROOT, STAMPS, StepFailed, guarded, say, step, write_stamp
from setup_env import LABEXTENSION, extension_key, set_up

DIST = ROOT / "dist"


def main() -> int:
    """Build and check; prints the wheel's name and size."""
    set_up(extension=False)
    # A wheel packs whatever is there, a development build with this machine's paths included.
    shutil.rmtree(LABEXTENSION, ignore_errors=True)
    (STAMPS / "extension").unlink(missing_ok=True)
    shutil.rmtree(DIST, ignore_errors=True)
    step("wheel", [PYTHON, "-m", "build", "--wheel", "--no-isolation"])
    write_stamp("extension", extension_key())
    wheels = list(DIST.glob("*.whl"))
    if len(wheels) != 1:
        raise StepFailed(f"expected one wheel in dist/, found {len(wheels)}")
    check_contents(wheels[0])
    check_installation(wheels[0])
    say(f"dist/{wheels[0].name}: {wheels[0].stat().st_size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    guarded(main)
