"""What Kaggle does with a requested machine shape (as known in October 2026).

Names are case-sensitive. Nothing here is ever refused: unknown, retired and gated shapes are changed in
silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Resource = Literal["CPU", "GPU", "TPU"]

NONE = "None"
DEFAULT_GPU = "Gpu"
DEFAULT_TPU = "TpuV5E8"

_OPEN: dict[str, Resource] = {NONE: "CPU", DEFAULT_GPU: "GPU", "NvidiaTeslaT4": "GPU", DEFAULT_TPU: "TPU"}
_RETIRED = {
    "NvidiaTeslaP100": "NvidiaTeslaT4",
    "TpuV38": DEFAULT_TPU,
    "Tpu1VmV38": DEFAULT_TPU,
    "TpuV232": NONE,
    "TpuV2256": NONE,
}
_GATED: dict[str, Resource] = {
    "NvidiaTeslaT4Highmem": "GPU",
    "NvidiaL4": "GPU",
    "NvidiaL4X1": "GPU",
    "NvidiaTeslaA100": "GPU",
    "NvidiaH100": "GPU",
    "NvidiaRtxPro6000": "GPU",
    "TpuV6E8": "TPU",
}


@dataclass(frozen=True)
class Machine:
    """The outcome of a request: what is stored with the version, and what a session is charged as."""

    stored_shape: str
    run_shape: str
    resource: Resource


def choose_machine(shape: str, enable_gpu: bool, enable_tpu: bool) -> Machine:
    """The machine for a push. `shape` wins over the two deprecated flags; "" means not given."""
    if not shape:
        shape = DEFAULT_GPU if enable_gpu else DEFAULT_TPU if enable_tpu else NONE
    if shape in _GATED:
        resource = _GATED[shape]
        return Machine(shape, DEFAULT_TPU if resource == "TPU" else DEFAULT_GPU, resource)
    shape = _RETIRED.get(shape, shape)
    if shape not in _OPEN:
        shape = DEFAULT_GPU
    return Machine(shape, shape, _OPEN[shape])
