"""The table of RPC methods: what a service and method name mean here."""

from __future__ import annotations

from collections.abc import Callable

from . import identity, interactive, push, reads
from .accounts import Account
from .hub_methods import HUB_METHODS
from .replies import Reply
from .wire import Fields
from .world import World

Method = Callable[[World, Account, Fields], Reply]
OpenMethod = Callable[[World, Fields], Reply]

KERNELS = "kernels.KernelsApiService"

METHODS: dict[str, Method] = {
    f"{KERNELS}/SaveKernel": push.save_kernel,
    f"{KERNELS}/GetKernelSessionStatus": reads.session_status,
    f"{KERNELS}/ListKernelSessionOutput": reads.session_output,
    f"{KERNELS}/GetKernel": reads.get_kernel,
    f"{KERNELS}/ListKernels": reads.list_kernels,
    f"{KERNELS}/ListKernelFiles": reads.kernel_files,
    f"{KERNELS}/DeleteKernel": reads.delete_kernel,
    f"{KERNELS}/CancelKernelSession": reads.cancel_session,
    f"{KERNELS}/DownloadKernelOutput": reads.download_output,
    f"{KERNELS}/DownloadKernelOutputZip": reads.output_zip,
    f"{KERNELS}/GetAcceleratorQuotaStatistics": reads.quota_statistics,
    f"{KERNELS}/GetKernelSessionLogsStream": reads.logs_stream,
    f"{KERNELS}/CreateKernelSession": interactive.create_session,
    f"{interactive.OPERATIONS}/GetOperation": interactive.get_operation,
    "users.AccountService/ExpireApiToken": identity.expire_token,
    **HUB_METHODS,
}

# Callable without credentials: the token in the body is the credential.
OPEN_METHODS: dict[str, OpenMethod] = {
    "security.OAuthService/IntrospectToken": identity.introspect_token,
    "users.AccountService/GenerateAccessToken": identity.generate_access_token,
}
