from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from shipway.cli.prefect_server import connect
from shipway.errors import RefuseError

API = "https://prefect.example.org/api"


def headers(env: dict[str, str]) -> dict[str, str]:
    """What a server of these settings is told with each question."""
    return dict(connect({"PREFECT_API_URL": API, **env})._http.headers)


@pytest.mark.parametrize(
    ("env", "authorization"),
    [
        ({}, None),
        ({"PREFECT_API_KEY": "pnu_1"}, "Bearer pnu_1"),
        ({"PREFECT_API_AUTH_STRING": "a:b"}, "Basic YTpi"),
        ({"PREFECT_API_AUTH_STRING": "ä:ü"}, "Basic w6Q6w7w="),
    ],
)
def test_the_login_is_that_of_prefects_settings(
    env: dict[str, str], authorization: str | None
) -> None:
    assert headers(env).get("authorization") == authorization


def test_headers_of_the_team_are_sent() -> None:
    assert headers({"PREFECT_CLIENT_CUSTOM_HEADERS": '{"X-Team": "shop"}'})["x-team"] == "shop"


def test_the_certificate_of_a_server_that_has_one_is_checked() -> None:
    checked = connect({"PREFECT_API_URL": API})._http._transport._pool._ssl_context  # type: ignore
    assert (checked.verify_mode, checked.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("text", ["{", "[]", '{"X-Team": 1}'])
def test_headers_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(RefuseError, match="PREFECT_CLIENT_CUSTOM_HEADERS"):
        headers({"PREFECT_CLIENT_CUSTOM_HEADERS": text})


@pytest.mark.parametrize(
    ("env", "address"),
    [
        ({}, "https://prefect.example.org/runs/flow-run/1"),
        ({"PREFECT_UI_URL": "https://ui.example.org/"}, "https://ui.example.org/runs/flow-run/1"),
    ],
)
def test_a_run_is_looked_at_in_the_ui(env: dict[str, str], address: str) -> None:
    assert connect({"PREFECT_API_URL": f"{API}/", **env}).address_of("1") == address


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({}, "http://one"),
        ({"PREFECT_PROFILE": "two"}, "http://two"),
        ({"PREFECT_PROFILE": "two", "PREFECT_API_URL": "http://three/api"}, "http://three"),
    ],
)
def test_the_environment_counts_more_than_the_active_profile(
    tmp_path: Path, env: dict[str, str], url: str
) -> None:
    (tmp_path / "profiles.toml").write_text(
        'active = "one"\n'
        '[profiles.one]\nPREFECT_API_URL = "http://one/api"\n'
        '[profiles.two]\nPREFECT_API_URL = "http://two/api"\n'
    )
    server = connect({"PREFECT_HOME": str(tmp_path), **env})
    assert server.address_of("1") == f"{url}/runs/flow-run/1"
