"""Who may call: keys, tokens, their end, and the two seeded accounts."""

from __future__ import annotations

import pytest
from emulator_clients import Api, Sdk

from kaggle_lab.emulator.testing import EmulatorProcess

OAUTH = "security.OAuthService"
USERS = "users.AccountService"


def bearer(url: str, token: str) -> Api:
    return Api(url, headers={"Authorization": f"Bearer {token}"})


def may_list(client: Api) -> int:
    return client.rpc("ListKernels", {"group": "PROFILE"}).status_code


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer KGAT_unknown",
        "Basic bm9ib2R5Omtub3dz",
        "Basic !!!",
        "Basic //79",
        "Digest something",
        # A token is no key.
        "Basic bGVhcm5lcjpLR0FUX2VtdWxhdG9yX2xlYXJuZXI=",
    ],
)
def test_wrong_credentials_are_401_in_json(kaggle: EmulatorProcess, header: str | None) -> None:
    with Api(kaggle.url, headers={"Authorization": header} if header else {}) as client:
        response = client.rpc("ListKernels")
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.json()["error"]["status"] == "UNAUTHENTICATED"


def test_key_and_token_of_both_accounts_work(kaggle: EmulatorProcess) -> None:
    for name, key, token in (
        (kaggle.username, kaggle.key, kaggle.token),
        (kaggle.guest_username, kaggle.guest_key, kaggle.guest_token),
    ):
        with Api(kaggle.url, (name, key)) as by_key, bearer(kaggle.url, token) as by_token:
            assert (may_list(by_key), may_list(by_token)) == (200, 200)


def test_the_typed_client_works_with_a_token_and_an_empty_user_agent(kaggle: EmulatorProcess) -> None:
    with Sdk(kaggle.url, token=kaggle.token) as client:
        assert client.push("a-script", "print(1)").version_number == 1


def test_introspection(kaggle: EmulatorProcess) -> None:
    with Api(kaggle.url) as nobody:
        known = nobody.rpc("IntrospectToken", {"token": kaggle.token}, OAUTH).json()
        unknown = nobody.rpc("IntrospectToken", {"token": "KGAT_unknown"}, OAUTH)
    assert (known["active"], known["username"], known["userId"]) == (True, "learner", 1)
    assert unknown.status_code == 403


def test_a_refresh_token_gives_access_for_a_while(kaggle: EmulatorProcess) -> None:
    with Api(kaggle.url) as nobody:
        body = {"refreshToken": "KGRT_emulator_learner", "expirationDuration": "600s"}
        issued = nobody.rpc("GenerateAccessToken", body, USERS).json()
        assert (issued["expiresIn"], issued["userName"]) == (600, "learner")
        with bearer(kaggle.url, issued["token"]) as client:
            assert may_list(client) == 200
            kaggle.control("clock", {"seconds": 601})
            expired = client.rpc("ListKernels")
        assert (expired.status_code, expired.json()["error"]["message"]) == (
            403,
            "Permission 'kernels.get' was denied",
        )
        assert nobody.rpc("IntrospectToken", {"token": issued["token"]}, OAUTH).json() == {"active": False}


def test_bad_refreshes_are_401_and_bad_durations_400(kaggle: EmulatorProcess) -> None:
    with Api(kaggle.url) as nobody:
        assert nobody.rpc("GenerateAccessToken", {"refreshToken": "no"}, USERS).status_code == 401
        body = {"refreshToken": "KGRT_emulator_learner", "expirationDuration": "1.500.0s"}
        assert nobody.rpc("GenerateAccessToken", body, USERS).status_code == 400


def test_a_token_can_be_expired_by_its_owner(kaggle: EmulatorProcess) -> None:
    with bearer(kaggle.url, kaggle.guest_token) as stranger:
        assert stranger.rpc("ExpireApiToken", {"token": kaggle.token}, USERS).status_code == 404
    with bearer(kaggle.url, kaggle.token) as client:
        assert client.rpc("ExpireApiToken", {"token": kaggle.token}, USERS).status_code == 200
        assert may_list(client) == 401


def test_accounts_are_made_and_changed_through_the_control_api(kaggle: EmulatorProcess) -> None:
    kaggle.control("accounts", {"username": "ada", "key": "lovelace", "token": "KGAT_ada", "verified": False})
    with Api(kaggle.url, ("ada", "lovelace")) as ada:
        assert ada.rejection("ada/my-note", enableInternet=True)
        kaggle.control("accounts", {"username": "ada", "verified": True})
        assert ada.push("ada/my-note", enableInternet=True).json()["error"] == ""
    shown = {account["username"]: account for account in kaggle.control("accounts")["accounts"]}
    assert shown["ada"]["verified"] is True
    assert "lovelace" not in str(shown)
