# Added by Kaggle Lab to the submitted copy: tells which hardware this session got and which cell runs.
def _kaggle_lab_prologue(run: str, cells: int, *, is_named: bool = False) -> None:
    import json
    import os
    import shutil
    import subprocess
    import sys
    import time
    from pathlib import Path
    from typing import Any

    def tell(**facts: Any) -> None:
        sys.stdout.write("::kaggle-lab:: " + json.dumps(facts) + "\n")
        sys.stdout.flush()

    def gpus() -> list[dict[str, str]]:
        if not shutil.which("nvidia-smi"):
            return []
        query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
        try:
            answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True)
        except Exception:
            return []
        rows = [line.rsplit(",", 1) for line in answer.stdout.splitlines() if "," in line]
        return [{"name": name.strip(), "memory_mib": memory.strip()} for name, memory in rows]

    def ram_kib() -> int:
        try:
            return int(Path("/proc/meminfo").read_text().split()[1])
        except Exception:
            return 0

    devices = Path("/dev")
    tell(
        event="session",
        run=run,
        time=time.time(),
        container=os.environ.get("KAGGLE_CONTAINER_NAME", ""),
        image=os.environ.get("KAGGLE_DOCKER_IMAGE", ""),
        python=sys.version.split()[0],
        cpus=os.cpu_count(),
        ram_kib=ram_kib(),
        gpus=gpus(),
        tpu_chips=len(list(devices.glob("accel*")) or list(devices.glob("vfio/[0-9]*"))),
    )
    at = [0]

    # Code that a cell runs by `run_cell` comes here too, but is not in the history.
    def before(info: Any) -> None:
        if info.store_history:
            at[0] += 1
            tell(event="cell", cell=at[0], cells=cells)

    def after(result: Any) -> None:
        if at[0] == cells and result.success and result.info.store_history:
            tell(event="done", cells=cells)

    class ThisRun:
        """What `job = %kaggle_submit` is on Kaggle, where nothing is submitted: asking it does nothing."""

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            return self

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return self

        def __getitem__(self, key: Any) -> Any:
            return self

        def __iter__(self) -> Any:
            return iter(())

        def __repr__(self) -> str:
            return "This is the run itself, on Kaggle."

    if is_named:
        globals()["_kaggle_lab_run"] = ThisRun()
    events = globals()["get_ipython"]().events
    events.register("pre_run_cell", before)
    events.register("post_run_cell", after)
