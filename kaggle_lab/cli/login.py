"""Reading the access token for ``jupyter kaggle login``: typed unseen on a terminal, or piped in."""

from __future__ import annotations

import sys

from ..errors import BadRequest


def read_token() -> str:
    """The token. Raises BadRequest when there is none, KeyboardInterrupt on Ctrl-C."""
    from getpass import getpass

    try:
        text = getpass("Access token: ") if sys.stdin.isatty() else sys.stdin.readline()
    except EOFError:
        text = ""
    if not text.strip():
        raise BadRequest(
            "No token was given", remedy="Paste one, or pipe it in: cat token | jupyter kaggle login"
        )
    return text.strip()
