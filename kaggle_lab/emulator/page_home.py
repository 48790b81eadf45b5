"""`/`: all there is to see and to switch."""

from __future__ import annotations

import time
from html import escape
from typing import Any

from .accounts import Account
from .interactive import has_answered
from .jupyter_place import path_of
from .kernels import Kernel
from .pages import PageHandler, kernel_link, section, size_text, status_html, table
from .scenario_player import Player
from .scenarios import ready_made
from .sessions import INTERACTIVE, Session
from .settings import Settings
from .wire import isoformat
from .world import World

_KERNELS, _REQUESTS, _DATASETS = 200, 30, 200
_CALLS = (
    "*",
    "SaveKernel",
    "CreateKernelSession",
    "GetOperation",
    "GetKernelSessionStatus",
    "LogsStream",
    "ListKernelSessionOutput",
    "OutputFile",
    "CancelKernelSession",
    "ListKernels",
    "GetAcceleratorQuotaStatistics",
    "StorageFile",
    "BlobUpload",
)
_FAULT_FORM = """<form data-control="faults">
<label>Call <input name="method" list="calls" value="*" required></label>
<label>Next calls <input type="number" name="count" value="1" min="1"></label>
<label>Answer with <select name="status" data-kind="number"><option value="">the real answer</option>
{statuses}</select></label>
<label>as <select name="envelope"><option>nested</option><option>flat</option><option>html</option>
<option>empty</option></select></label>
<label>Cut the connection <select name="drop"><option value="">no</option>
<option value="before">before the work</option><option value="after">after the work</option></select></label>
<label>Delay, s <input type="number" name="delay_s" min="0" step="any"></label>
<label>Cut after, bytes <input type="number" name="drop_after_bytes" min="0"></label>
<label>Bytes a second <input type="number" name="rate_bytes_s" min="1"></label>
<label>Length wrong by <input type="number" name="content_length_off"></label>
<label>Expired link <input type="checkbox" name="expired"></label>
<button>Add fault</button></form>
<datalist id="calls">{calls}</datalist>"""


class HomePage(PageHandler):
    """The overview."""

    def initialize(self, world: World, player: Player | None = None) -> None:
        super().initialize(world)
        assert player is not None
        self._player = player

    def get(self) -> None:
        self.world.supervisor.tick()
        parts = [
            section("live", "Live sessions", self._live()),
            section("kernels", "Kernels", self._kernels()),
            section("accounts", "Accounts and quota", self._accounts()),
            section("datasets", "Datasets", self._datasets()),
            section("clock", "Clock", self._clock()),
            _clock_forms(),
            section("scenario", "Scenario", self._scenario()),
            _scenario_forms(),
            section("faults", "Faults", self._faults()),
            _fault_forms(),
            section("settings", "Settings that differ", self._settings()),
            _setting_form(),
            section("requests", "Requests", self._requests()),
            _reset_form(),
        ]
        self.show("Kaggle emulator", self._how_to() + "".join(parts))

    def _how_to(self) -> str:
        url = escape(self.world.base_url)
        return (
            '<p class="quiet">Kaggle\'s own command against it:</p>'
            f"<pre>kaggle-emulator exec --url {url} -- kaggle kernels list --mine</pre>"
        )

    def _live(self) -> str:
        rows = [self._live_row(session) for session in self.world.sessions.unfinished()]
        heads = ["Kernel", "Status", "Machine asked for", "Since", "Log or Jupyter"]
        logs = "".join(self._live_log(session) for session in self.world.sessions.unfinished())
        return table(heads, [row for row in rows if row], "Nothing runs.") + logs

    def _live_row(self, session: Session) -> list[Any]:
        kernel = self.world.kernels.by_id(session.kernel_id)
        if kernel is None:
            return []
        since = self.moment(session.created_at)
        if session.kind == INTERACTIVE:
            name = f"{kernel_link(kernel)}, version {session.version}, Interactive"
            return [name, status_html(session), escape(session.shape), since, self._jupyter_link(session)]
        log = f'<a href="/code/{escape(kernel.ref)}?version={session.version}#log">follow</a>'
        name = f"{kernel_link(kernel)}, version {session.version}"
        return [name, status_html(session), escape(session.shape), since, log]

    def _jupyter_link(self, session: Session) -> str:
        if not has_answered(self.world, session):
            return '<span class="quiet">Jupyter is starting</span>'
        path = path_of(session.id, self.world.session_secret)
        return f'<a href="{path}/" target="_blank" rel="noopener">Open Jupyter</a>'

    def _live_log(self, session: Session) -> str:
        kernel = self.world.kernels.by_id(session.kernel_id)
        if kernel is None or session.kind == INTERACTIVE:
            return ""
        return (
            f"<details open><summary>Log of {escape(kernel.ref)}, version {session.version}</summary>"
            f'<pre class="short" tabindex="0" aria-label="Log of {escape(kernel.ref)}" data-after="0"'
            f' data-follow="/code/{escape(kernel.ref)}/log/{session.version}.json"></pre></details>'
        )

    def _kernels(self) -> str:
        kernels = self.world.kernels.all(
            f"AND k.current_version > 0 ORDER BY k.saved_at DESC LIMIT {_KERNELS}"
        )
        rows = [self._kernel_row(kernel) for kernel in kernels]
        heads = ["Kernel", "Title", "Version", "Status", "Saved"]
        return table(heads, rows, "None yet. Push one, with Kaggle Lab or with the kaggle command.")

    def _kernel_row(self, kernel: Kernel) -> list[Any]:
        version = self.world.kernels.version(kernel, kernel.current_version)
        return [
            kernel_link(kernel),
            escape(kernel.title),
            version.number,
            self.status_of(version),
            self.moment(kernel.saved_at),
        ]

    def _accounts(self) -> str:
        rows = [self._account_row(account) for account in self.world.accounts.all()]
        return table(["Name", "Phone verified", "GPU this week", "TPU this week"], rows, "None.")

    def _account_row(self, account: Account) -> list[Any]:
        gauges = [self._gauge(account, resource) for resource in ("GPU", "TPU")]
        return [escape(account.username), "yes" if account.verified else "no", *gauges]

    def _gauge(self, account: Account, resource: Any) -> str:
        balance = self.world.quota.balance(account, resource, self.world.settings)
        used, total = balance.used_s / 3600, balance.total_s / 3600
        reserved = f", {balance.reserved_s / 3600:.2f} h reserved" if balance.reserved_s else ""
        bar = f'<progress max="{max(total, 0.01):g}" value="{used:.3f}"></progress>'
        return f"{bar}<br>{used:.2f} of {total:g} h{reserved}"

    def _datasets(self) -> str:
        datasets = self.world.datasets.all()[-_DATASETS:]
        rows = [self._dataset_row(dataset) for dataset in reversed(datasets)]
        return table(["Dataset", "Title", "Version", "Status", "Size"], rows, "None yet.")

    def _dataset_row(self, dataset: Any) -> list[Any]:
        newest = self.world.datasets.versions(dataset)[0]
        bundle = self.world.bundles.get(newest.bundle_id)
        status = self.world.datasets.status(dataset, self.world.settings)
        size = f"{size_text(bundle.total_bytes)} in {bundle.file_count} files"
        return [escape(dataset.ref), escape(dataset.title), newest.number, escape(status), size]

    def _clock(self) -> str:
        clock = self.world.clock
        ahead = f", {clock.offset_s:,.0f} s ahead of this machine's" if clock.offset_s else ""
        refresh = isoformat(self.world.quota.refresh_at())[:16].replace("T", " ")
        now = isoformat(clock.now())[:19].replace("T", " ")
        return f"<p>Emulated time: {now} UTC{ahead}. The quota is renewed on {refresh}.</p>"

    def _scenario(self) -> str:
        playing = self._player.state()["scenario"]
        if playing is None:
            return '<p class="quiet">None is being played.</p>'
        said = f": {escape(playing['said'])}" if playing["said"] else ""
        return (
            f"<p><strong>{escape(playing['name'])}</strong>, step {playing['steps_done']} of"
            f" {playing['steps']}{said}</p><p class='quiet'>{escape(playing['description'])}</p>"
        )

    def _faults(self) -> str:
        rows = [[escape(rule["method"]), rule["count"], _rule(rule)] for rule in self.world.faults.all()]
        return table(["Call", "Times left", "What happens"], rows, "None: every call gets its real answer.")

    def _settings(self) -> str:
        usual = Settings()
        rows = [
            [name, escape(str(getattr(self.world.settings, name))), escape(str(getattr(usual, name)))]
            for name in Settings.__dataclass_fields__
            if getattr(self.world.settings, name) != getattr(usual, name)
        ]
        return table(["Setting", "Now", "Usually"], rows, "None: everything is as on Kaggle.")

    def _requests(self) -> str:
        entries = self.world.journal.latest(_REQUESTS)
        rows = [
            [
                time.strftime("%H:%M:%S", time.gmtime(entry.at)),
                escape(entry.call),
                f"{entry.status}{' (fault)' if entry.fault else ''}",
                f"{entry.duration_ms:.0f} ms",
                escape(f"{entry.method} {entry.path}"),
            ]
            for entry in entries
        ]
        return table(["Time", "Call", "Status", "Took", "Request"], rows, "None yet.")


def _rule(rule: dict[str, Any]) -> str:
    names = [name for name, value in rule.items() if value not in ("", 0, None, False)]
    told = [name for name in names if name not in ("method", "count")]
    return escape(", ".join(f"{name} {rule[name]}" for name in told if name != "envelope" or rule["status"]))


def _button(control: str, label: str, ask: str = "", method: str = "POST", **values: object) -> str:
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{escape(str(value))}"'
        f"{' data-kind=number' if isinstance(value, int) else ''}>"
        for name, value in values.items()
    )
    question = f' data-ask="{escape(ask)}"' if ask else ""
    return (
        f'<form data-control="{control}" data-method="{method}"{question}>{fields}'
        f"<button>{escape(label)}</button></form>"
    )


def _clock_forms() -> str:
    jumps = {"One minute on": 60, "One hour on": 3600, "Twelve hours on": 43_200, "One week on": 604_800}
    buttons = "".join(_button("clock", label, seconds=seconds) for label, seconds in jumps.items())
    return f'<div class="row">{buttons}</div>'


def _scenario_forms() -> str:
    buttons = "".join(_button("scenario", name, name=name) for name in ready_made())
    return f'<div class="row">{buttons}{_button("scenario", "Stop it", method="DELETE")}</div>'


def _fault_forms() -> str:
    statuses = "".join(
        f'<option value="{number}">{number}</option>'
        for number in (200, 400, 401, 403, 404, 409, 429, 500, 503)
    )
    calls = "".join(f'<option value="{call}">' for call in _CALLS)
    return _FAULT_FORM.format(statuses=statuses, calls=calls) + _button(
        "faults", "Drop all faults", method="DELETE"
    )


def _setting_form() -> str:
    options = "".join(f"<option>{name}</option>" for name in Settings.__dataclass_fields__)
    return (
        f'<form data-control="settings"><label>Setting <select name="name">{options}</select></label>'
        '<label>Value <input name="value" required></label><button>Change</button></form>'
    )


def _reset_form() -> str:
    forget = _button("requests", "Forget the requests", method="DELETE")
    ask = "Stop and forget all kernels, sessions, datasets, settings and faults?"
    return f'<div class="row">{forget}{_button("reset", "Reset everything", ask)}</div>'
