"""The pages for a person: what they show, and that nothing a user wrote gets out of its place."""

from __future__ import annotations

from html.parser import HTMLParser

import httpx
import pytest
from emulator_clients import FOREVER, Api, notebook

from kaggle_lab.emulator.testing import EmulatorProcess, wait_until

EVIL = "<script>alert(1)</script>"
SLUG = "my-note-script-alert-1-script"


class Page(HTMLParser):
    """The elements of a page, its visible text, and the text by section."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.sections: dict[str, str] = {"": ""}
        self._section = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.elements.append((tag, values))
        if tag == "section":
            self._section = values["id"]
            self.sections[self._section] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self._section = ""

    def handle_data(self, data: str) -> None:
        self.sections[self._section] += data

    @property
    def text(self) -> str:
        return "".join(self.sections.values())

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [
            values
            for name, values in self.elements
            if name == tag and all(values.get(key) == value for key, value in wanted.items())
        ]


@pytest.fixture
def evil(api: Api, kaggle: EmulatorProcess) -> str:
    """The URL of a notebook with markup in its title, its log, its outputs and the name of a file."""
    cell = f"from IPython.display import HTML\nopen('a <script>.txt', 'w').write('x')\nprint({EVIL!r})\n"
    source = notebook(f"{cell}HTML({EVIL!r})")
    pushed = api.push(SLUG, source, kernelType="notebook", newTitle=f"My Note {EVIL}").json()
    assert pushed["error"] == ""
    assert api.wait_for(SLUG)["status"] == "COMPLETE"
    return str(pushed["url"])


def page(url: str) -> Page:
    response = httpx.get(url)
    assert response.status_code == 200, response.text
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    found = Page(response.text)
    assert "EMULATOR" in found.text
    assert found.all("script") == [{"src": "/_pages/page.js", "defer": ""}]
    assert not [name for _, values in found.elements for name in values if name.startswith("on")]
    return found


def test_markup_of_users_stays_text(evil: str, kaggle: EmulatorProcess) -> None:
    for url in (kaggle.url, evil, f"{evil}/log/1"):
        assert EVIL in page(url).text


def test_a_rendered_notebook_runs_nothing(evil: str, kaggle: EmulatorProcess) -> None:
    frame = page(evil).all("iframe")[0]
    assert frame["sandbox"] == ""
    result = httpx.get(kaggle.url + frame["src"])
    assert EVIL in result.text
    policy = result.headers["Content-Security-Policy"].split("; ")
    assert policy[:2] == ["sandbox", "default-src 'none'"]
    assert "script-src" not in str(policy)


def test_output_files_are_a_click_away(evil: str, kaggle: EmulatorProcess) -> None:
    links = [link for link in page(evil).all("a") if "/output/1/" in link["href"]]
    assert [link["href"].rpartition("/")[2] for link in links] == ["a%20%3Cscript%3E.txt"]
    got = httpx.get(kaggle.url + links[0]["href"], follow_redirects=True)
    assert (got.status_code, got.text) == (200, "x")
    assert httpx.get(f"{evil}/output/1/none.txt", follow_redirects=True).status_code == 404
    source = httpx.get(f"{evil}/source/1")
    assert source.headers["Content-Disposition"].startswith("attachment")
    assert source.json()["nbformat"] == 4


def test_every_version_has_its_page(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("my-note", "print('first')")
    api.wait_for("my-note")
    api.push("my-note", "print('second')", kernelExecutionType="QUICK_SAVE")
    url = f"{kaggle.url}/code/learner/my-note"
    assert "saved, not run" in page(url).sections["status"]
    first = page(f"{url}?version=1")
    assert "COMPLETE" in first.sections["status"]
    assert "first" in first.text
    assert {link["href"] for link in first.all("a")} >= {
        f"/code/learner/my-note?version={number}" for number in (1, 2)
    }


@pytest.mark.parametrize(
    "path",
    [
        "/code/learner/none-such",
        "/code/learner/my-note?version=3",
        "/code/learner/my-note/log/3",
        "/code/learner/my-note/log/1.json?after=-1",
        "/code/learner/my-note/results/1",
        "/code/learner/my-note/output/1/a.txt",
        "/_pages/pages.py",
    ],
)
def test_what_is_not_there_is_a_404(api: Api, kaggle: EmulatorProcess, path: str) -> None:
    api.push("my-note", kernelExecutionType="QUICK_SAVE")
    assert httpx.get(kaggle.url + path).status_code == 404


def test_a_live_log_can_be_followed(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("endless", FOREVER)
    api.wait_for("endless", "RUNNING")
    home = page(kaggle.url)
    assert "RUNNING" in home.sections["live"]
    follow = kaggle.url + home.all("pre")[1]["data-follow"]
    news = wait_until(lambda: (found := httpx.get(follow).json())["text"] and found)
    assert (news["text"], news["is_over"]) == ("begun\n", False)
    assert httpx.get(follow, params={"after": news["after"]}).json()["text"] == ""
    api.cancel(api.session_id("endless"))
    api.wait_for("endless")
    assert httpx.get(follow, params={"after": news["after"]}).json()["is_over"] is True
    assert "Nothing runs" in page(kaggle.url).sections["live"]


def test_a_long_log_comes_whole_and_in_pieces(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("talkative", "for n in range(40_000):\n    print('line', n)")
    api.wait_for("talkative")
    text, after = "", 0
    while True:
        news = httpx.get(f"{kaggle.url}/code/learner/talkative/log/1.json?after={after}").json()
        if not news["text"]:
            break
        text, after = text + news["text"], news["after"]
        assert len(news["text"]) < 1 << 20
    assert text == "".join(f"line {n}\n" for n in range(40_000))


def test_the_overview_shows_what_there_is(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.control("accounts", {"username": "learner", "gpu_used_hours": 7.5})
    kaggle.control("clock", {"seconds": 3600})
    kaggle.fault("SaveKernel", status=503, message=EVIL)
    kaggle.settings(max_gpu_sessions=9)
    kaggle.scenario(steps=[{"say": EVIL}])
    api.rpc("ListKernels")
    shown = page(kaggle.url).sections
    assert "7.50 of 30 h" in shown["accounts"]
    assert "3,600 s ahead" in shown["clock"]
    assert f"status 503, envelope nested, message {EVIL}" in shown["faults"]
    assert "max_gpu_sessions92" in shown["settings"].replace("\n", "")
    assert EVIL in shown["scenario"]
    assert "ListKernels" in shown["requests"]
    assert "READY" in shown["datasets"]


def test_forms_lead_to_controls_that_exist(kaggle: EmulatorProcess) -> None:
    forms = page(kaggle.url).all("form")
    wanted = {(form.get("data-method", "POST"), form["data-control"]) for form in forms}
    assert wanted >= {("POST", "faults"), ("DELETE", "faults"), ("POST", "clock"), ("POST", "reset")}
    for method, control in wanted - {("POST", "reset")}:
        body = "" if method == "DELETE" else "[]"
        answer = httpx.request(
            method,
            f"{kaggle.url}/_emu/{control}",
            content=body,
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == (200 if method == "DELETE" else 400), (control, answer.text)


def test_style_and_script_come_along(kaggle: EmulatorProcess) -> None:
    style = httpx.get(f"{kaggle.url}/_pages/page.css")
    assert style.headers["Content-Type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in style.text
    assert httpx.get(f"{kaggle.url}/_pages/page.js").headers["Content-Type"].startswith("text/javascript")


def test_pages_are_for_this_machine_and_leave_no_trace(kaggle: EmulatorProcess) -> None:
    page(kaggle.url)
    assert kaggle.requests() == []
    for path in ("/", "/_pages/page.js", "/code/learner/x", "/code/learner/x/results/1"):
        other = httpx.get(kaggle.url + path, headers={"Host": "evil.example"})
        assert other.status_code == 403
