"""A forge from outside of the package, and names that are not known."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pydantic import SecretStr, ValidationError

from blocks.forge import Forge
from blocks.ops_repository import OpsRepository
from shipway.forges import forge
from shipway.forges.api import Project, PullRequest
from shipway.forges.registry import FORGES
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from tests.support.app_environments import SHOP
from tests.support.origin import Origin

BEFORE, AFTER = b"image: a\n", b"image: b\n"


def settings(kind: str) -> Forge:
    return Forge(
        kind=kind,
        api_url="https://forge.example.org",
        project="acme/ops",
        token=SecretStr("secret"),
        merge_timeout_seconds=10,
        poll_seconds=0.01,
    )


def propose(folder: OpsFolder, _history: History) -> Proposal | None:
    if folder.files["web.yaml"] == AFTER:
        return None
    return Proposal(changes={"prod/shop/web.yaml": AFTER}, message="shop 1 → prod\n\nwhy\n")


def test_a_forge_from_outside_is_one_line_and_opens_the_request_of_a_review(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.commit({"prod/shop/web.yaml": BEFORE, "prod/shop/rollout.yaml": b"strategy: rolling\n"})
    asked: list[tuple[Project, PullRequest]] = []

    def open_request(project: Project, request: PullRequest) -> str:
        asked.append((project, request))
        origin.bare.git.update_ref("refs/heads/main", f"refs/heads/{request.branch}")
        return "https://forge.example.org/acme/ops/changes/1"

    monkeypatch.setitem(FORGES, "sourcehut", SimpleNamespace(open_request=open_request))
    ops = OpsRepository(url=origin.url, review=settings("sourcehut"))
    addresses: list[str] = []
    landed = ops.commit(SHOP, propose, addresses.append)

    assert landed.new
    assert landed.commit == origin.tip()
    assert addresses == ["https://forge.example.org/acme/ops/changes/1"]
    ((project, request),) = asked
    assert (project.api_url, project.path) == ("https://forge.example.org", "acme/ops")
    assert project.token.get_secret_value() == "secret"
    assert (request.base, request.title) == ("main", "shop 1 → prod")
    assert request.branch.startswith("shipway/prod/shop/")


def test_a_forge_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValidationError, match="expected one of github, gitlab, gitea"):
        settings("sourcehut")


def test_the_form_offers_the_forges_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORGES, "sourcehut", SimpleNamespace())
    for model in (Forge, forge.Forge):
        kind = model.model_json_schema()["properties"]["kind"]
        assert kind["enum"] == ["github", "gitlab", "gitea", "sourcehut"]
