"""Typed requests of ``kagglesdk``, built where they are sent: in a worker thread, imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import KaggleError
from ..models import Submission

_KERNELS = "kagglesdk.kernels.types.kernels_api_service"
_MODULES = {"IntrospectTokenRequest": ("kagglesdk.security.types.oauth_service", "security.OAuthService")}


def body_of(name: str, values: dict[str, Any]) -> tuple[str, str, Any]:
    """Service, method and typed request for a request class, ``ApiGetKernelRequest``.

    Raises KaggleError when the installed library does not know the class or a field.
    """
    module, service = _MODULES.get(name, (_KERNELS, "kernels.KernelsApiService"))
    try:
        request = getattr(import_module(module), name)()
        for field, value in values.items():
            setattr(request, field, value)
    except AttributeError as error:
        raise KaggleError(
            f"The installed kagglesdk cannot ask this of Kaggle: {error}.",
            remedy="Run `pip install --upgrade kaggle`.",
        ) from error
    return service, name.removeprefix("Api").removesuffix("Request"), request


def save_kernel(submission: Submission) -> Any:
    """The push. Lists and flags are always complete: every push replaces all of a kernel's settings."""
    shape = submission.machine_shape or "None"
    values: dict[str, Any] = {
        "slug": str(submission.ref),
        "new_title": submission.title,
        "text": submission.source,
        "language": submission.language,
        "kernel_type": submission.kernel_type,
        "dataset_data_sources": list(submission.sources.datasets),
        "competition_data_sources": list(submission.sources.competitions),
        "kernel_data_sources": list(submission.sources.kernels),
        "model_data_sources": list(submission.sources.models),
        "is_private": submission.private,
        "enable_internet": submission.internet,
        "enable_gpu": shape != "None" and not shape.startswith("Tpu"),  # deprecated, but the CLI sends them
        "enable_tpu": shape.startswith("Tpu"),
        "machine_shape": shape,
    }
    if submission.time_cap_s is not None:
        values["session_timeout_seconds"] = submission.time_cap_s
    if submission.docker_image:
        values["docker_image"] = submission.docker_image
    if submission.save_only:
        values["kernel_execution_type"] = _quick_save()
    return body_of("ApiSaveKernelRequest", values)[2]


def _quick_save() -> Any:
    return import_module("kagglesdk.kernels.types.kernels_enums").KernelExecutionType.QUICK_SAVE
