"""Commit statuses: the forges' own client libraries, and a server that speaks the forges' APIs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from blocks.forge import Forge
from shipway.errors import RefuseError, RetryError
from shipway.forges.api import WORDS, CommitStatus, State
from tests.support.forges import TOKEN, Forges, forges

ADDRESSES = {"github": "", "gitlab": "", "gitea": "/api/v1"}
KINDS = list(ADDRESSES)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
# What a forge calls the states, where it has other words.
NAMES = {"gitlab": {"pending": "running", "failure": "failed", "error": "canceled"}}
STATES: list[State] = ["pending", "success", "failure", "error"]


@pytest.fixture
def server() -> Iterator[Forges]:
    with forges() as server:
        yield server


def forge(server: Forges, kind: str, token: str = TOKEN) -> Forge:
    return Forge(
        kind=kind,
        api_url=server.url + ADDRESSES[kind],
        project="acme/shop",
        token=SecretStr(token),
    )


def status(
    state: State, words: str = "Under way", url: str | None = "https://prefect.example.org/1"
) -> CommitStatus:
    return CommitStatus(
        commit=COMMIT, context="shipway/production", state=state, words=words, url=url
    )


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_commit_shows_the_state_the_words_and_the_run(
    server: Forges, kind: str, state: State
) -> None:
    forge(server, kind).set_status(status(state, "x" * WORDS))
    (shown,) = server.statuses
    assert (shown["project"], shown["commit"]) == ("acme/shop", COMMIT)
    assert shown["context"] == "shipway/production"
    assert shown["state"] == NAMES.get(kind, {}).get(state, state)
    assert shown["description"] == "x" * WORDS
    assert shown["target_url"] == "https://prefect.example.org/1"


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_without_an_address_and_one_after_a_killed_one_are_shown(
    server: Forges, kind: str
) -> None:
    # GitLab takes no second `running` of the same context.
    for state in ("pending", "pending", "success", "pending"):
        forge(server, kind).set_status(status(state, url=None))
    assert "target_url" not in server.statuses[-1]
    states = [shown["state"] for shown in server.statuses]
    assert states == (
        ["running", "success", "running"]
        if kind == "gitlab"
        else ["pending", "pending", "success", "pending"]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_may_not_is_refused_and_not_shown(server: Forges, kind: str) -> None:
    with pytest.raises(RefuseError, match="The forge does not set commit statuses") as caught:
        forge(server, kind, "wrong-secret").set_status(status("success"))
    assert "401" in str(caught.value.facts["got"])
    assert "wrong-secret" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_forge_that_fails_may_be_asked_again(server: Forges, kind: str) -> None:
    server.failing = 1
    with pytest.raises(RetryError, match="The forge fails"):
        forge(server, kind).set_status(status("success"))
    forge(server, kind).set_status(status("success"))
    assert len(server.statuses) == 1
