"""Pure work on a notebook: read what is on screen, and make the source that is sent.

The only importer of ``nbformat``. No network, no database, no file of the user's: text in, text out.
"""

from __future__ import annotations

import copy
import json
import platform
import re
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from .config import SOURCE_LIMIT_BYTES, TITLE_MAX, TITLE_MIN
from .errors import BadTitle, NoCode, NotANotebook, SourceTooLarge, UnsupportedLanguage
from .models import Sources
from .prologue import THIS_RUN, prologue_source

KERNELSPECS: dict[str, dict[str, str]] = {
    "python": {"name": "python3", "display_name": "Python 3", "language": "python"},
    "r": {"name": "ir", "display_name": "R", "language": "R"},
}
"""The Jupyter kernels that exist on Kaggle; a notebook that names any other dies within seconds."""

_OWN_LINE = re.compile(
    r"^(?P<indent>[ \t]*)((?P<name>\w+(\.\w+|\[[^\]\n=]*\])*)[ \t]*=[ \t]*)?"
    r"%{1,2}(kaggle_\w+|(re)?load_ext[ \t]+kaggle_lab)\b(.*\\\r?\n)*.*$",
    re.MULTILINE,
)
"""A line with one of our magics, with the lines that a backslash adds to it."""
_PROLOGUE_TAG = "kaggle-lab-prologue"
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST_NAMED = 3


@dataclass(frozen=True)
class Notebook:
    """A notebook as it was on screen. ``text`` is kept to the letter."""

    text: str
    content: dict[str, Any]
    language: str

    @property
    def code_cells(self) -> list[dict[str, Any]]:
        """The code cells with anything in them, in order."""
        return [cell for cell in self.content["cells"] if _is_code(cell)]


@dataclass(frozen=True)
class OwnSettings:
    """What the notebook's own ``metadata.kaggle`` asks for; None where it says nothing."""

    accelerator: str | None
    internet: bool | None
    sources: Sources
    unreadable_sources: int
    """Sources that Kaggle's editor wrote by number only; their names cannot be told from here."""


def read_notebook(text: str, name: str = "the notebook") -> Notebook:
    """Read a notebook of any format version.

    Raises NotANotebook (not JSON, not a notebook), UnsupportedLanguage, NoCode.
    """
    content = _validated(_parsed(text, name), name)
    notebook = Notebook(text, content, _language(content, name))
    if not notebook.code_cells:
        raise NoCode(f"{name} has no code cell with anything in it.")
    return notebook


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise NotANotebook(f"{name} is not valid JSON: {error}.") from error
    except RecursionError:
        raise NotANotebook(f"{name} is not a valid Jupyter notebook: it is nested too deeply.") from None
    if not isinstance(content, dict) or "nbformat" not in content:
        raise NotANotebook(f"{name} is JSON, but not a Jupyter notebook (it has no 'nbformat').")
    return content


def _validated(content: dict[str, Any], name: str) -> dict[str, Any]:
    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            node = _node_of(content)
            node = nbformat.convert(node, 4)  # type: ignore[no-untyped-call]
            node["nbformat_minor"] = max(5, node.get("nbformat_minor", 5))
            _, node = nbformat.validator.normalize(node)
            nbformat.validate(node, relax_add_props=True)
    except Exception as error:  # nbformat raises many kinds on malformed input
        detail = str(error).split("\n")[0][:200]
        raise NotANotebook(f"{name} is not a valid Jupyter notebook: {detail}") from error
    return dict(json.loads(json.dumps(node)))


def _node_of(content: dict[str, Any]) -> Any:
    import nbformat

    if content.get("nbformat") == 4:
        return nbformat.from_dict(_mended(content))  # type: ignore[no-untyped-call]
    # Older formats keep text as lists of lines, which only a reader of that format joins.
    return nbformat.reads(json.dumps(content), as_version=4)  # type: ignore[no-untyped-call]


def _mended(content: dict[str, Any]) -> dict[str, Any]:
    """Without what is not sent anyway and must not stand in the way: outputs, a broken kernelspec."""
    cells = content.get("cells")
    if content.get("nbformat") != 4 or not isinstance(cells, list):
        return content
    metadata = dict(_mapping(content.get("metadata")))
    for part in ("kernelspec", "language_info"):
        said = _mapping(metadata.pop(part, None))
        if isinstance(said.get("name"), str):
            metadata[part] = {"display_name": said["name"], **said} if part == "kernelspec" else said
    return {**content, "metadata": metadata, "cells": [_mended_cell(cell) for cell in cells]}


def _mended_cell(cell: Any) -> Any:
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return cell
    return {**cell, "metadata": _mapping(cell.get("metadata")), "outputs": [], "execution_count": None}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _language(content: dict[str, Any], name: str) -> str:
    metadata = content.get("metadata", {})
    spec = metadata.get("kernelspec") or {}
    info = metadata.get("language_info") or {}
    said = str(info.get("name") or spec.get("language") or "").lower()
    if not said:
        kernel = str(spec.get("name", "")).lower()
        said = {"ir": "r", "r": "r"}.get(kernel, "julia" if kernel.startswith("julia") else "")
    language = {"": "python", "ipython": "python", "python": "python", "r": "r"}.get(said)
    if language is None:
        raise UnsupportedLanguage(f"{name} is in {said}. Kaggle runs Python and R notebooks only.")
    return language


def _is_code(cell: dict[str, Any]) -> bool:
    return cell.get("cell_type") == "code" and bool(_text(cell).strip()) and not _is_prologue(cell)


def _is_prologue(cell: dict[str, Any]) -> bool:
    """Whether a cell is our own first one, in a notebook that came back from Kaggle."""
    tags = _mapping(cell.get("metadata")).get("tags")
    return isinstance(tags, list) and _PROLOGUE_TAG in tags


def _text(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def build_source(
    notebook: Notebook, job_id: str, cells: Sequence[int] | None = None, origin: str = ""
) -> str:
    """The source to send: no outputs, Kaggle's kernelspec, our first cell, the job's id in the metadata.

    ``origin`` (see :func:`origin_of`) tells later which notebook this came from.
    ``cells`` keeps only the cells with these positions in the notebook. Raises SourceTooLarge, naming the
    largest cells, and NoCode.
    """
    content = copy.deepcopy(notebook.content)
    if cells is not None:
        content["cells"] = [cell for i, cell in enumerate(content["cells"]) if i in set(cells)]
    content["cells"] = [_sendable(cell) for cell in content["cells"] if not _is_prologue(cell)]
    count = sum(_is_code(cell) for cell in content["cells"])
    if not count:
        raise NoCode("Nothing is left to run: the cells chosen hold no code.")
    content["metadata"] = _sent_metadata(content.get("metadata", {}), notebook.language, job_id, origin)
    if notebook.language == "python":
        is_named = any(THIS_RUN in cell["source"] for cell in content["cells"])
        content["cells"].insert(0, _prologue_cell(prologue_source(job_id, count, is_named=is_named)))
    source = to_json(content)
    _check_size(source, notebook)
    return source


def to_json(content: Any) -> str:
    """Compact for every script, and text that can be encoded even if the notebook holds half a character."""
    text = json.dumps(content, ensure_ascii=False)
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _sendable(cell: dict[str, Any]) -> dict[str, Any]:
    cell = {**cell, "source": _text(cell)}
    if cell["cell_type"] == "code":
        cell["source"] = _OWN_LINE.sub(_stand_in, cell["source"])
        cell.update(outputs=[], execution_count=None)
    return cell


def _stand_in(own: re.Match[str]) -> str:
    """Our magics are for JupyterLab. A name that one was assigned to stands for the run itself on Kaggle."""
    indent = own["indent"]
    first, *more = (f"# {line.strip().rstrip(chr(92))}" for line in own[0].splitlines())
    comment = "".join([f"{first}  (runs in JupyterLab only)", *(f"\n{indent}{line}" for line in more)])
    if own["name"]:
        return f"{indent}{own['name']} = {THIS_RUN}  {comment}"
    return f"{indent}pass  {comment}" if indent else comment


def _sent_metadata(metadata: dict[str, Any], language: str, job_id: str, origin: str) -> dict[str, Any]:
    kept = {key: value for key, value in metadata.items() if key not in ("widgets", "kernelspec")}
    return {**kept, "kernelspec": KERNELSPECS[language], "kaggle_lab": {"run": job_id, "origin": origin}}


def _prologue_cell(source: str) -> dict[str, Any]:
    return {
        "id": _PROLOGUE_TAG,
        "cell_type": "code",
        "metadata": {"tags": [_PROLOGUE_TAG], "jupyter": {"source_hidden": True}},
        "execution_count": None,
        "outputs": [],
        "source": source,
    }


def _check_size(source: str, notebook: Notebook) -> None:
    size = len(source.encode())
    if size <= SOURCE_LIMIT_BYTES:
        return
    sizes = [(len(json.dumps(_sendable(cell))), n) for n, cell in enumerate(notebook.content["cells"], 1)]
    largest = [{"cell": n, "bytes": bytes_} for bytes_, n in sorted(sizes, reverse=True)[:_LARGEST_NAMED]]
    named = ", ".join(f"cell {item['cell']} ({item['bytes'] // 1000} kB)" for item in largest)
    raise SourceTooLarge(
        f"The source is {size:,} bytes; Kaggle takes about {SOURCE_LIMIT_BYTES:,}. Largest: {named}.",
        size=size,
        limit=SOURCE_LIMIT_BYTES,
        largest=largest,
    )


def is_source_of(source: str, job_id: str) -> bool:
    """Whether a source read back from Kaggle is the one that was sent for this job."""
    return bool(job_id) and job_id in source


def origin_of(notebook_path: str) -> str:
    """What stands for a notebook on this machine (absolute path) in the copies that were sent of it."""
    return sha256(f"{platform.node()}\n{notebook_path}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def is_from(source: str, origin: str) -> bool:
    """Whether a source read back from Kaggle was sent from this very notebook on this machine."""
    try:
        sent = _mapping(json.loads(source).get("metadata")).get("kaggle_lab")
    except (ValueError, AttributeError):
        return False
    return bool(origin) and _mapping(sent).get("origin") == origin


# --- titles --------------------------------------------------------------------------------------


def slugify(title: str) -> str:
    """Kaggle's address for a title: lower case, runs of other characters become one hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def check_title(title: str) -> str:
    """The slug of a usable title. Raises BadTitle, naming what is wrong with it."""
    title = title.strip()
    odd = next((char for char in title if not char.isascii() or not char.isprintable()), "")
    if odd:
        raise BadTitle(f"Kaggle makes no address from the character {odd!r} in {title!r}.", field="title")
    if not TITLE_MIN <= len(title) <= TITLE_MAX:
        raise BadTitle(
            f"The title {title!r} has {len(title)} characters; 5 to 50 are allowed.", field="title"
        )
    slug = slugify(title)
    if len(slug) < TITLE_MIN:
        raise BadTitle(f"The title {title!r} makes too short an address: {slug!r}.", field="title")
    if not slug[0].isalpha():
        raise BadTitle(
            f"The title {title!r} begins with a digit; Kaggle cannot find such a notebook.", field="title"
        )
    return slug


def propose_title(path: str) -> str:
    """A valid title made from a notebook's file name; always the same for the same path."""
    stem = PurePosixPath(path.replace("\\", "/")).stem
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", " ", plain).strip()
    if len(words) < 2 or sum(map(str.isalnum, stem)) > sum(map(str.isalnum, words)):
        words = f"{words or 'Notebook'} {sha256(stem.encode()).hexdigest()[:6]}"
    if not words[0].isalpha():
        words = f"Notebook {words}"
    if len(words) < TITLE_MIN:
        words = f"{words} notebook"
    return words[:TITLE_MAX].strip()


def distinct_title(title: str, path: str) -> str:
    """A title of its own for each of several notebooks with the same file name in different folders."""
    suffix = sha256(path.encode()).hexdigest()[:6]
    return title if title.endswith(f" {suffix}") else f"{title[: TITLE_MAX - 7].strip()} {suffix}"


# --- metadata.kaggle -----------------------------------------------------------------------------

_KINDS = {
    "datasetVersion": "datasets",
    "competition": "competitions",
    "kernelVersion": "kernels",
    "modelInstanceVersion": "models",
}


def own_settings(notebook: Notebook) -> OwnSettings:
    """Read ``metadata.kaggle`` as Kaggle's editor writes it; anything malformed counts as not said."""
    said = notebook.content.get("metadata", {}).get("kaggle")
    said = said if isinstance(said, dict) else {}
    accelerator, internet = said.get("accelerator"), said.get("isInternetEnabled")
    sources, unreadable = _read_sources(said.get("dataSources"))
    return OwnSettings(
        accelerator if isinstance(accelerator, str) and accelerator else None,
        internet if isinstance(internet, bool) else None,
        sources,
        unreadable,
    )


def _read_sources(listed: Any) -> tuple[Sources, int]:
    names: dict[str, list[str]] = {kind: [] for kind in _KINDS.values()}
    unreadable = 0
    for item in listed if isinstance(listed, list) else []:
        kind = _KINDS.get(str(item.get("sourceType"))) if isinstance(item, dict) else None
        name = (
            next((item[key] for key in ("slug", "sourceSlug", "sourceId") if _named(item, key)), "")
            if kind
            else ""
        )
        if kind and name:
            names[kind].append(name)
        else:
            unreadable += 1
    return Sources(**{kind: tuple(found) for kind, found in names.items()}), unreadable


def _named(item: dict[str, Any], key: str) -> bool:
    return isinstance(item.get(key), str) and not item[key].isdigit() and bool(item[key])
