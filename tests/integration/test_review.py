"""Releases to a protected branch: a real Git server, and a server that speaks the forges' APIs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from git import Repo
from pydantic import SecretStr

from blocks.forge import Forge
from blocks.ops_repository import OpsRepository
from shipway.errors import HaltError, RefuseError, RetryError
from shipway.forges.api import PullRequest
from shipway.git.history import History
from shipway.git.ops_folder import Landed, OpsFolder, Proposal
from shipway.git.trailers import with_trailers
from tests.support.app_environments import SHOP
from tests.support.forges import TOKEN, Forges, forges
from tests.support.ops_commits import ops_commits

KINDS = {"github": "", "gitlab": "", "gitea": "/api/v1"}
PATHS = {
    "github": "/repos/acme/ops/pulls",
    "gitlab": "/api/v4/projects/acme/ops/merge_requests",
    "gitea": "/api/v1/repos/acme/ops/pulls",
}


@pytest.fixture
def server() -> Iterator[Forges]:
    with forges() as server:
        yield server


REQUEST = PullRequest(branch="b", base="main", title="title", body="body")


def forge(server: Forges, kind: str, token: str = TOKEN, timeout_seconds: float = 30) -> Forge:
    return Forge(
        kind=kind,
        api_url=server.url + KINDS[kind],
        project="acme/ops",
        token=SecretStr(token),
        merge_timeout_seconds=timeout_seconds,
        poll_seconds=0.2,
    )


def protected(code: Repo, sandbox: dict[str, str], review: Forge) -> OpsRepository:
    return OpsRepository(
        url=code.remote().url,
        username=sandbox["SHIPWAY_GIT_USERNAME"],
        password=SecretStr(sandbox["SHIPWAY_GIT_PASSWORD"]),
        review=review,
    )


def propose(folder: OpsFolder, _history: History) -> Proposal | None:
    if folder.files["rollout.yaml"] == b"image: b\n":
        return None
    trailers = {"App": "shop", "Environment": "prod"}
    return Proposal(
        changes={f"{folder.path}/rollout.yaml": b"image: b\n"},
        message=with_trailers("shop 1 → prod", trailers),
    )


def merge(code: Repo, server: Forges) -> None:
    """What a person does on the forge, once the pull request is there."""
    while not server.requests:
        time.sleep(0.1)
    code.remote().fetch()
    person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    merge = ["merge", "--no-ff", "--message", "Merge", f"origin/{server.requests[0]['head']}"]
    code.git.execute(["git", *person, *merge])
    code.git.push("origin", "HEAD:main")


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_release_waits_until_its_pull_request_is_merged(
    code: Repo, sandbox: dict[str, str], server: Forges, kind: str
) -> None:
    ops = protected(code, sandbox, forge(server, kind))
    addresses: list[str] = []
    person = threading.Thread(target=merge, args=(code, server))
    person.start()
    landed = ops.commit(SHOP, propose, addresses.append)
    person.join()
    assert landed.new
    assert addresses == [f"{server.url}/pull/1"]
    (opened,) = server.requests
    assert (opened["base"], opened["title"]) == ("main", "shop 1 → prod")
    assert opened["path"] == PATHS[kind]
    assert "App: shop" in opened["body"]
    assert opened["head"].startswith("shipway/prod/shop/")
    assert [release.trailers["App"] for release in ops_commits(ops, SHOP)] == ["shop"]
    assert ops.commit(SHOP, propose) == Landed(commit=landed.commit, new=False)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_not_merged_halts_and_a_second_run_finds_the_same_pull_request(
    code: Repo, sandbox: dict[str, str], server: Forges, kind: str
) -> None:
    ops = protected(code, sandbox, forge(server, kind, timeout_seconds=0.5))
    for _ in range(2):
        with pytest.raises(HaltError, match="The pull request was not merged in time"):
            ops.commit(SHOP, propose)
    assert len(server.requests) == 1
    assert ops.fetch(SHOP).files["rollout.yaml"] == b"image: a\n"


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_wrong_token_is_refused_and_not_shown(server: Forges, kind: str) -> None:
    with pytest.raises(RefuseError, match="The forge does not open") as caught:
        forge(server, kind, "wrong-secret").open_request(REQUEST)
    assert "401" in str(caught.value.facts["got"])
    assert "wrong-secret" not in str(caught.value)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_forge_that_fails_is_tried_again(server: Forges, kind: str) -> None:
    server.status = 503
    with pytest.raises(RetryError, match="The forge fails"):
        forge(server, kind).open_request(REQUEST)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_forge_that_is_not_there_is_tried_again(kind: str, free_port: int) -> None:
    away = Forges(url=f"http://127.0.0.1:{free_port}")
    with pytest.raises(RetryError, match="The forge cannot be reached"):
        forge(away, kind).open_request(REQUEST)
