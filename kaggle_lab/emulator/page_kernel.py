"""`/code/owner/slug`: the rendered notebook, its versions, log and output files, as on Kaggle."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

from .kernels import Kernel, Version
from .logs import log_text
from .outputs import OutputFile
from .pages import PageHandler, section, size_text, table
from .wire import ApiError

_VERSIONS, _FILES = 100, 500
RESULTS = "__results__.html"
# What a notebook rendered may do in its frame: be looked at. It runs no scripts and loads nothing.
_RESULT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class VersionPage(PageHandler):
    """Common to all that shows one version of a kernel."""

    def found(self, owner: str, slug: str, number: str) -> tuple[Kernel, Version] | None:
        """The kernel and the version ("" for the newest); None, with a 404 sent, when there is none."""
        kernel = self.world.kernels.find(owner, slug)
        if kernel is not None and kernel.current_version:
            try:
                wanted = int(number) if number.isdecimal() and len(number) < 10 else kernel.current_version
                return kernel, self.world.kernels.version(kernel, wanted)
            except ApiError:
                pass
        self.missing(f"{owner}/{slug}{f' version {number}' if number else ''}")
        return None

    def log_text(self, version: Version, after: int) -> tuple[str, int]:
        """The log's text after so many bytes of it, and how many have been read then."""
        if version.session_id is None:
            return "", after
        return log_text(self.world.folders.session(version.session_id), after)


class KernelPage(VersionPage):
    """`/code/owner/slug[?version=N]`."""

    def get(self, owner: str, slug: str) -> None:
        found = self.found(owner, slug, self.get_query_argument("version", ""))
        if found is None:
            return
        kernel, version = found
        parts = [
            section("status", f"Version {version.number}", self._facts(kernel, version)),
            section(
                "results", "Notebook" if kernel.kernel_type == "notebook" else "Script", self._results(*found)
            ),
            section("files", "Output", self._outputs(kernel, version)),
            '<h2 id="log">Log</h2>' + self._log_part(kernel, version),
            section("versions", "Versions", self._versions(kernel)),
        ]
        self.show(kernel.title, "".join(parts))

    def _facts(self, kernel: Kernel, version: Version) -> str:
        asked = version.metadata
        sources = [
            *asked.dataset_sources,
            *asked.competition_sources,
            *asked.kernel_sources,
            *asked.model_sources,
        ]
        inputs = f"<p>Input: {escape(', '.join(sources))}</p>" if sources else ""
        private = "private" if kernel.is_private else "public"
        internet = "on" if asked.enable_internet else "off"
        return (
            f"<p>{escape(kernel.ref)}, {private} {kernel.kernel_type}</p><p>{self.status_of(version)}</p>"
            f"<p class='quiet'>Machine asked for: {escape(asked.machine_shape)}; internet {internet}, saved"
            f" {self.moment(version.created_at)}.</p>{inputs}"
        )

    def _results(self, kernel: Kernel, version: Version) -> str:
        place = f"/code/{escape(kernel.ref)}"
        source = f'<p><a href="{place}/source/{version.number}" download>Source as it was sent</a></p>'
        if self._file(version, RESULTS) is None:
            return f'<p class="quiet">There is no rendered result of this version.</p>{source}'
        frame = f"{place}/results/{version.number}"
        return f'<iframe sandbox title="The notebook with its results" src="{frame}"></iframe>{source}'

    def _file(self, version: Version, name: str) -> OutputFile | None:
        if version.session_id is None or not self.world.supervisor.refresh(version.session_id).is_finished:
            return None
        return self.world.listings.find(self.world.folders.working(version.session_id), name)

    def _outputs(self, kernel: Kernel, version: Version) -> str:
        session_id = version.session_id
        if session_id is None or not self.world.supervisor.refresh(session_id).is_finished:
            return '<p class="quiet">Output files are shown when the session has ended.</p>'
        listed = self.world.listings.of(self.world.folders.working(session_id))
        files = [file for file in listed if not file.is_tail]
        place = f"/code/{escape(kernel.ref)}/output/{version.number}"
        rows = [[_download(place, file), size_text(file.size)] for file in files[:_FILES]]
        more = f"<p>and {len(files) - _FILES} more</p>" if len(files) > _FILES else ""
        return table(["File", "Size"], rows, "It left no files.") + more

    def _log_part(self, kernel: Kernel, version: Version) -> str:
        if version.session_id is None:
            return '<p class="quiet">It has not run.</p>'
        text, count = self.log_text(version, 0)
        place = f"/code/{escape(kernel.ref)}/log/{version.number}"
        return _log_html(f"{place}.json", text, count) + f'<p><a href="{place}">Log alone</a></p>'

    def _versions(self, kernel: Kernel) -> str:
        numbers = range(kernel.current_version, max(0, kernel.current_version - _VERSIONS), -1)
        rows = [self._version_row(kernel, number) for number in numbers]
        return table(["Version", "Saved", "Machine asked for", "Status"], rows, "None.")

    def _version_row(self, kernel: Kernel, number: int) -> list[Any]:
        version = self.world.kernels.version(kernel, number)
        link = f'<a href="/code/{escape(kernel.ref)}?version={number}">{number}</a>'
        shape = escape(version.metadata.machine_shape)
        return [link, self.moment(version.created_at), shape, self.status_of(version)]


class LogPage(VersionPage):
    """`/code/owner/slug/log/N`: a log as text; with `.json?after=K` what came after K bytes of it."""

    def get(self, owner: str, slug: str, number: str, form: str | None = None) -> None:
        found = self.found(owner, slug, number)
        if found is None:
            return
        kernel, version = found
        if form:
            self._send_news(version)
            return
        text, count = self.log_text(version, 0)
        follow = f"/code/{escape(kernel.ref)}/log/{version.number}.json"
        self.show(f"{kernel.title}: log of version {number}", _log_html(follow, text, count))

    def _send_news(self, version: Version) -> None:
        after = self.get_query_argument("after", "0")
        if not after.isdecimal() or len(after) > 12:
            self.missing("such a place in the log")
            return
        is_over = version.session_id is None or self.world.supervisor.refresh(version.session_id).is_finished
        text, count = self.log_text(version, int(after))
        self.send_json({"text": text, "after": count, "is_over": is_over})


def _download(place: str, file: OutputFile) -> str:
    return f'<a href="{place}/{escape(quote(file.name))}" download>{escape(file.name)}</a>'


def _log_html(follow: str, text: str, after: int) -> str:
    head = f'<pre tabindex="0" aria-label="Log" data-follow="{follow}" data-after="{after}">'
    # A line break right after the tag would be swallowed.
    return f"{head}\n{escape(text)}</pre>"


class ResultsPage(VersionPage):
    """`/code/owner/slug/results/N`: `__results__.html` as it was made, for the frame of the page."""

    def get(self, owner: str, slug: str, number: str) -> None:
        found = self.found(owner, slug, number)
        if found is None:
            return
        session_id = found[1].session_id
        name = self.world.folders.working(session_id) / RESULTS if session_id is not None else None
        if name is None or name.is_symlink() or not name.is_file():
            self.missing("A rendered result")
            return
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", _RESULT_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(name.read_bytes())


class OutputPage(VersionPage):
    """`/code/owner/slug/output/N/file`: on to a link to that output file."""

    def get(self, owner: str, slug: str, number: str, name: str) -> None:
        found = self.found(owner, slug, number)
        if found is None:
            return
        session_id = found[1].session_id
        if session_id is None:
            self.missing(name)
            return
        life_s = self.world.settings.output_link_expiry_s
        self.redirect(self.world.links.path(session_id, name, life_s))


class SourcePage(VersionPage):
    """`/code/owner/slug/source/N`: the text that was pushed, as a file."""

    def get(self, owner: str, slug: str, number: str) -> None:
        found = self.found(owner, slug, number)
        if found is None:
            return
        kernel, version = found
        ending = ".ipynb" if kernel.kernel_type == "notebook" else ".txt"
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("X-Content-Type-Options", "nosniff")
        name = quote(f"{kernel.slug}-v{version.number}{ending}")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
        self.finish(self.world.kernels.source(version).encode())
