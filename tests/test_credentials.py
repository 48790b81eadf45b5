"""Credentials are found as the official client finds them, and stored where it looks."""

from __future__ import annotations

import dataclasses
import json
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kaggle_lab.credentials import (
    Credentials,
    credentials_in_order,
    emulator_credentials,
    find_credentials,
    forget_access_token,
    overruling,
    read_oauth_file,
    store_access_token,
    write_oauth_file,
)
from kaggle_lab.errors import BadCredentials, FileTrouble
from kaggle_lab.models import CredentialMethod, EndpointKind

KEY_FILE = {"username": "ada", "key": "k3y"}
OAUTH_FILE = {
    "refresh_token": "refresh-me",
    "access_token": "access-me",
    "access_token_expiration": "2026-11-21T10:00:00+00:00",
    "username": "ada",
    "scopes": ["resources.admin:*"],
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def put(home: Path, name: str, content: str | dict, folder: str = ".kaggle") -> Path:
    path = home / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def told(found: Credentials | None) -> tuple[str, str, str] | None:
    return found and (found.method.value, found.source, found.secret)


def test_nothing_found_is_none_and_says_nothing(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert find_credentials({}, home) is None
    assert not (home / ".kaggle").exists(), "looking must not make folders"
    assert capfd.readouterr() == ("", "")


def test_order_is_the_official_clients(home: Path) -> None:
    put(home, "access_token", "KGAT_file\n")
    put(home, "kaggle.json", KEY_FILE)
    put(home, "credentials.json", OAUTH_FILE)
    sources = [(found.method.value, found.source) for found in credentials_in_order({}, home)]
    assert sources == [
        ("access_token", "~/.kaggle/access_token"),
        ("api_key", "~/.kaggle/kaggle.json"),
        ("oauth", "~/.kaggle/credentials.json"),
    ]
    assert find_credentials({}, home) == credentials_in_order({}, home)[0]


def test_token_variable_beats_the_file(home: Path) -> None:
    put(home, "access_token", "KGAT_file")
    found = find_credentials({"KAGGLE_API_TOKEN": " KGAT_env\n"}, home)
    assert told(found) == ("access_token", "KAGGLE_API_TOKEN", "KGAT_env")


def test_token_variable_may_name_a_file(home: Path) -> None:
    path = put(home, "elsewhere", "KGAT_elsewhere\n", folder="secrets")
    assert told(find_credentials({"KAGGLE_API_TOKEN": str(path)}, home)) == (
        "access_token",
        "KAGGLE_API_TOKEN",
        "KGAT_elsewhere",
    )


def test_token_too_long_for_a_file_name(home: Path) -> None:
    token = "KGAT_" + "x" * 4000
    found = find_credentials({"KAGGLE_API_TOKEN": token}, home)
    assert found is not None
    assert found.secret == token


def test_variable_naming_an_empty_file_falls_through_to_the_key(home: Path) -> None:
    path = put(home, "empty", "", folder="secrets")
    put(home, "access_token", "KGAT_file")
    put(home, "kaggle.json", KEY_FILE)
    assert told(find_credentials({"KAGGLE_API_TOKEN": str(path)}, home)) == (
        "api_key",
        "~/.kaggle/kaggle.json",
        "k3y",
    )


@pytest.mark.parametrize("name", ["access_token", "access_token.txt"])
def test_token_files(home: Path, name: str) -> None:
    put(home, name, "KGAT_file\n")
    assert told(find_credentials({}, home)) == ("access_token", f"~/.kaggle/{name}", "KGAT_file")


def test_inside_a_kaggle_notebook_its_own_token_comes_first(home: Path) -> None:
    path = put(home, "session", "session-token", folder="run")
    environ = {"KAGGLE_API_V1_TOKEN": str(path), "KAGGLE_API_TOKEN": "KGAT_env"}
    assert told(find_credentials(environ, home)) == ("access_token", "KAGGLE_API_TOKEN", "KGAT_env")
    environ |= {"KAGGLE_KERNEL_RUN_TYPE": "Batch", "KAGGLE_DATA_PROXY_URL": "x"}
    assert told(find_credentials(environ, home)) == ("access_token", "KAGGLE_API_V1_TOKEN", "session-token")


def test_key_from_the_environment_overrides_the_file_part_by_part(home: Path) -> None:
    put(home, "kaggle.json", KEY_FILE)
    found = find_credentials({"KAGGLE_KEY": "other"}, home)
    assert found is not None
    assert (found.username, found.secret, found.source) == ("ada", "other", "KAGGLE_USERNAME and KAGGLE_KEY")


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"username": "ada"}', '{"key": "k3y"}'])
def test_broken_key_file_is_passed_over(home: Path, content: str) -> None:
    put(home, "kaggle.json", content)
    put(home, "credentials.json", OAUTH_FILE)
    found = find_credentials({}, home)
    assert found is not None
    assert found.method is CredentialMethod.OAUTH


def test_config_folder_is_for_the_key_only(home: Path) -> None:
    put(home, "kaggle.json", KEY_FILE, folder="conf")
    put(home, "access_token", "KGAT_ignored", folder="conf")
    found = find_credentials({"KAGGLE_CONFIG_DIR": str(home / "conf")}, home)
    assert told(found) == ("api_key", "~/conf/kaggle.json", "k3y")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the XDG folder is looked at on Linux only")
def test_xdg_folder_only_while_there_is_no_dot_kaggle(home: Path) -> None:
    put(home, "kaggle.json", KEY_FILE, folder=".config/kaggle")
    put(home, "kaggle.json", {"username": "xdg", "key": "x"}, folder="xdg/kaggle")
    assert told(find_credentials({}, home)) == ("api_key", "~/.config/kaggle/kaggle.json", "k3y")
    found = find_credentials({"XDG_CONFIG_HOME": str(home / "xdg")}, home)
    assert told(found) == ("api_key", "~/xdg/kaggle/kaggle.json", "x")
    (home / ".kaggle").mkdir()
    assert find_credentials({}, home) is None


def test_oauth_file(home: Path) -> None:
    path = put(home, "credentials.json", OAUTH_FILE)
    found = find_credentials({}, home)
    assert found is not None
    assert (found.username, found.secret, found.refresh_token) == ("ada", "access-me", "refresh-me")
    assert found.expires_at == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert found.path == path


def test_oauth_file_with_a_naive_or_broken_time(home: Path) -> None:
    path = put(home, "credentials.json", OAUTH_FILE | {"access_token_expiration": "2026-11-21T10:00:00"})
    naive = read_oauth_file(path, home)
    assert naive is not None
    assert naive.expires_at == datetime(2026, 11, 21, 10, tzinfo=UTC)
    put(home, "credentials.json", OAUTH_FILE | {"access_token_expiration": ""})
    broken = read_oauth_file(path, home)
    assert broken is not None
    assert broken.expires_at is None


def test_refreshed_oauth_is_written_back_privately_and_whole(home: Path) -> None:
    path = put(home, "credentials.json", OAUTH_FILE | {"unknown": 1})
    path.chmod(0o644)
    found = find_credentials({}, home)
    assert found is not None
    fresh = dataclasses.replace(found, secret="new", expires_at=datetime(2027, 1, 1, tzinfo=UTC))
    write_oauth_file(fresh)
    assert read_oauth_file(path, home) == fresh
    stored = json.loads(path.read_text())
    assert (stored["scopes"], stored["unknown"]) == (["resources.admin:*"], 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path], "no scratch file may stay"


def test_no_secret_in_a_repr(home: Path) -> None:
    put(home, "credentials.json", OAUTH_FILE)
    text = repr(credentials_in_order({"KAGGLE_API_TOKEN": "KGAT_env"}, home))
    assert "~/.kaggle/credentials.json" in text
    assert not any(secret in text for secret in ("KGAT_env", "access-me", "refresh-me"))


# --- storing -------------------------------------------------------------------------------------


def test_stored_token_is_found_private_and_forgotten(home: Path) -> None:
    path = store_access_token("  KGAT_mine \n", home)
    assert path == home / ".kaggle" / "access_token"
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert told(find_credentials({}, home)) == ("access_token", "~/.kaggle/access_token", "KGAT_mine")
    assert forget_access_token(home) is True
    assert find_credentials({}, home) is None
    assert not path.parent.exists(), "an empty ~/.kaggle would hide ~/.config/kaggle"


def test_what_comes_before_a_stored_token_is_named(home: Path) -> None:
    store_access_token("KGAT_mine", home)
    assert overruling("KGAT_mine", {}, home) == ""
    assert overruling("KGAT_mine", {"KAGGLE_API_TOKEN": "KGAT_mine"}, home) == ""
    assert overruling("KGAT_mine", {"KAGGLE_USERNAME": "ada", "KAGGLE_KEY": "k" * 32}, home) == ""
    assert overruling("KGAT_mine", {"KAGGLE_API_TOKEN": "KGAT_other"}, home) == "KAGGLE_API_TOKEN"


def test_another_token_is_kept_as_a_backup(home: Path) -> None:
    path = put(home, "access_token", "KGAT_theirs")
    store_access_token("KGAT_mine", home)
    assert path.read_text().strip() == "KGAT_mine"
    (backup,) = path.parent.glob("access_token.bak-*")
    assert backup.read_text() == "KGAT_theirs"


def test_the_same_token_needs_no_backup(home: Path) -> None:
    store_access_token("KGAT_mine", home)
    store_access_token("KGAT_mine", home)
    assert not list((home / ".kaggle").glob("*.bak-*"))


def test_foreign_tokens_are_not_forgotten(home: Path) -> None:
    path = put(home, "access_token", "KGAT_theirs")
    assert forget_access_token(home) is False
    assert path.read_text() == "KGAT_theirs"
    store_access_token("KGAT_mine", home)
    path.write_text("KGAT_replaced by the official client")
    assert forget_access_token(home) is False
    assert path.exists()


@pytest.mark.parametrize("token", ["", "  \n", "two words", "two\nlines", "schlüssel", "x" * 9000])
def test_what_is_no_token_is_refused(home: Path, token: str) -> None:
    with pytest.raises(BadCredentials):
        store_access_token(token, home)
    assert not (home / ".kaggle").exists()


def test_unwritable_home_is_named(home: Path) -> None:
    (home / ".kaggle").write_text("a file where the folder should be")
    with pytest.raises(FileTrouble, match="access_token"):
        store_access_token("KGAT_mine", home)


def test_emulator_credentials_come_from_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_real")
    found = emulator_credentials()
    assert (found.audience, found.secret) == (EndpointKind.EMULATOR, "KGAT_emulator_learner")
    other = emulator_credentials({"KAGGLE_LAB_EMULATOR_TOKEN": "KGAT_emulator_guest"})
    assert (other.audience, other.secret) == (EndpointKind.EMULATOR, "KGAT_emulator_guest")
    real = find_credentials()
    assert real is not None
    assert real.audience is EndpointKind.KAGGLE


def test_importing_loads_nothing_heavy() -> None:
    code = (
        "import sys, kaggle_lab.credentials, kaggle_lab.kaggle_client, kaggle_lab.outputs;"
        "print([name for name in ('kaggle', 'kagglesdk', 'requests', 'httpx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
