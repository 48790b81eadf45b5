"""Two ways to talk to the emulator in tests: Kaggle's own typed client, and bare HTTP."""

from __future__ import annotations

import json
from typing import Any

import httpx
from kagglesdk import kaggle_env
from kagglesdk.kaggle_client import KaggleClient
from kagglesdk.kernels.types.kernels_api_service import (
    ApiGetKernelSessionStatusRequest,
    ApiGetKernelSessionStatusResponse,
    ApiSaveKernelRequest,
    ApiSaveKernelResponse,
)

from kaggle_lab.emulator.testing import wait_until

SERVICE = "kernels.KernelsApiService"
TERMINAL = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")
PYTHON = {"name": "python3", "display_name": "Python 3", "language": "python"}
FOREVER = "import time\nprint('begun', flush=True)\nwhile True:\n    time.sleep(0.05)\n"


def notebook(*sources: str) -> str:
    """A notebook with these code cells, as text to push."""
    cells = [
        {
            "cell_type": "code",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
            "id": f"c{n}",
        }
        for n, source in enumerate(sources)
    ]
    return json.dumps(
        {"cells": cells, "metadata": {"kernelspec": PYTHON}, "nbformat": 4, "nbformat_minor": 5}
    )


class Sdk:
    """`KaggleClient` against the emulator, with shorthand for what most tests do."""

    def __init__(
        self, url: str, username: str | None = None, key: str | None = None, token: str | None = None
    ) -> None:
        table = kaggle_env._env_to_endpoint
        before = table[kaggle_env.KaggleEnv.LOCAL]
        table[kaggle_env.KaggleEnv.LOCAL] = url
        try:
            self.client = KaggleClient(
                env=kaggle_env.KaggleEnv.LOCAL, username=username, password=key, api_token=token
            )
        finally:
            table[kaggle_env.KaggleEnv.LOCAL] = before
        assert self.client.http_client()._endpoint == url
        self.kernels = self.client.kernels.kernels_api_client

    def __enter__(self) -> Sdk:
        self.client.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.client.__exit__(*exc)

    def push(self, slug: str, text: str, **fields: Any) -> ApiSaveKernelResponse:
        """Save learner/slug, by default a private script without internet titled as its slug."""
        request = ApiSaveKernelRequest()
        values = {
            "slug": f"learner/{slug}",
            "new_title": slug.replace("-", " ").title(),
            "text": text,
            "language": "python",
            "kernel_type": "script",
            "is_private": True,
            "enable_internet": False,
        }
        for name, value in {**values, **fields}.items():
            setattr(request, name, value)
        return self.kernels.save_kernel(request)

    def status(self, slug: str, label: str = "") -> ApiGetKernelSessionStatusResponse:
        request = ApiGetKernelSessionStatusRequest()
        request.user_name, request.kernel_slug = "learner", slug
        if label:
            request.version_label = label
        return self.kernels.get_kernel_session_status(request)

    def wait_for(self, slug: str, *statuses: str, label: str = "") -> ApiGetKernelSessionStatusResponse:
        """Wait for one of these states; without any for a final one."""
        wanted = statuses or TERMINAL

        def seen() -> ApiGetKernelSessionStatusResponse | None:
            found = self.status(slug, label)
            return found if found.status.name in wanted else None

        found: ApiGetKernelSessionStatusResponse = wait_until(seen, 60, f"{slug} {wanted}")
        return found


class Api:
    """Bare HTTP."""

    def __init__(
        self, url: str, auth: tuple[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self.http = httpx.Client(base_url=url, auth=auth, headers=headers, trust_env=False, timeout=60)

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.http.close()

    def rpc(self, method: str, body: dict[str, Any] | None = None, service: str = SERVICE) -> httpx.Response:
        return self.http.post(f"/api/v1/{service}/{method}", json=body or {})

    def push(self, slug: str, text: str = "print(1)", **fields: Any) -> httpx.Response:
        """SaveKernel of learner/slug as a private script without internet."""
        values = {
            "slug": slug if "/" in slug else f"learner/{slug}",
            "newTitle": slug.rpartition("/")[2].replace("-", " ").title(),
            "text": text,
            "language": "python",
            "kernelType": "script",
            "enableInternet": False,
        }
        return self.rpc("SaveKernel", {**values, **fields})

    def rejection(self, slug: str, text: str = "print(1)", **fields: Any) -> str:
        """The `error` of a push that must be refused in the way of 200 + error."""
        response = self.push(slug, text, **fields)
        assert response.status_code == 200, response.text
        body = response.json()
        assert body["ref"] is None
        assert body["versionNumber"] is None
        return str(body["error"])

    def status(self, slug: str, label: str = "", owner: str = "learner") -> httpx.Response:
        body = {"userName": owner, "kernelSlug": slug}
        return self.rpc("GetKernelSessionStatus", {**body, "versionLabel": label} if label else body)

    def wait_for(self, slug: str, *statuses: str, label: str = "") -> dict[str, Any]:
        """Wait for one of these states; without any for a final one."""
        wanted = statuses or TERMINAL

        def seen() -> dict[str, Any] | None:
            body: dict[str, Any] = self.status(slug, label).json()
            return body if body.get("status") in wanted else None

        found: dict[str, Any] = wait_until(seen, 60, f"{slug} {wanted}")
        return found

    def outputs(self, slug: str, **fields: Any) -> dict[str, Any]:
        response = self.rpc("ListKernelSessionOutput", {"userName": "learner", "kernelSlug": slug, **fields})
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def link(self, slug: str, name: str) -> str:
        """The signed URL of one output file."""
        files = self.outputs(slug, pageSize=500)["files"]
        return str(next(file["url"] for file in files if file["fileName"] == name))

    def session_id(self, slug: str, version: int | None = None) -> int:
        """The session id, by the documented redirect."""
        body: dict[str, Any] = {"ownerSlug": "learner", "kernelSlug": slug}
        response = self.rpc("DownloadKernelOutput", {**body, "versionNumber": version} if version else body)
        assert response.status_code == 302, response.text
        return int(response.headers["Location"].rpartition("/download_zip/")[2])

    def cancel(self, session_id: int) -> httpx.Response:
        return self.rpc("CancelKernelSession", {"kernelSessionId": session_id})


def message(response: httpx.Response) -> str:
    """The text of a nested error."""
    return str(response.json()["error"]["message"])
