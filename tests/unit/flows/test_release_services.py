"""What becomes of each service; the runs that release them are told what to come to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from flows import release_services as module
from flows.tasks.release_services.read_services import Services
from flows.tasks.release_services.service_runs import Order, ServiceSet
from shipway.errors import FailError
from shipway.git.revision import Revision
from shipway.monorepo.changed import Choice
from shipway.monorepo.needs import needs_of
from shipway.monorepo.outcome import Outcome
from shipway.monorepo.service import Service
from shipway.reports.services import ServicesReport

COMMIT = "b" * 40
THIS = ServiceSet(environment="staging", commit=COMMIT)
NEEDS = {"cart": "money", "mail": "", "money": "", "web": "cart"}
CHANGED = dict.fromkeys(NEEDS, "changed")


def found() -> Services:
    services = [
        Service(app=app, folder=app, needs=tuple(needed.split())) for app, needed in NEEDS.items()
    ]
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return Services(
        revision=Revision(commit=COMMIT, tree="t", author="Ada", subject="change", at=at),
        services={service.app: service for service in services},
        gone=(),
        needs=needs_of(services, (), "here"),
    )


def chosen(choices: dict[str, str]) -> dict[str, Choice]:
    return {app: Choice.model_validate({"what": what, "why": ""}) for app, what in choices.items()}


class Runs:
    """Runs that are red where they are told to be.

    Attributes:
        red: Such as `image cart`.
        done: What was done, in its order.
    """

    def __init__(self, *red: str) -> None:
        self.red = set(red)
        self.done: list[str] = []

    async def run_for(self, order: Order, doing: str) -> Outcome:
        assert doing in {"build", "release"}
        assert order.parameters == {"revision": COMMIT, "until": order.what}
        await asyncio.sleep(0)
        self.done.append(f"{order.what} {order.app}")
        if self.done[-1] in self.red:
            raise FailError(f"{order.app} is red.", where="https://prefect/1")
        return Outcome(what="released", why="1 commit", run="https://prefect/2")

    def release(
        self,
        monkeypatch: pytest.MonkeyPatch,
        choices: dict[str, str] = CHANGED,
        *,
        all_or_nothing: bool = False,
    ) -> dict[str, str]:
        """What became of each."""
        monkeypatch.setattr(module, "run_for", self.run_for)
        work = module.release_each(
            THIS, found(), chosen(choices), "healthy", all_or_nothing=all_or_nothing
        )
        outcomes = asyncio.run(work)
        assert all(one.run for one in outcomes.values() if one.what in {"released", "failed"})
        return {app: one.what for app, one in outcomes.items()}


def test_all_images_are_there_before_the_first_release(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs()
    assert runs.release(monkeypatch) == dict.fromkeys(NEEDS, "released")
    assert {each.split()[0] for each in runs.done[:4]} == {"image"}
    order = [each.split()[1] for each in runs.done[4:]]
    assert order.index("money") < order.index("cart") < order.index("web")


def test_what_is_there_is_looked_at_and_what_is_unchanged_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = Runs()
    choices = {"cart": "unchanged", "mail": "left out", "money": "there", "web": "changed"}
    assert runs.release(monkeypatch, choices) == {"money": "released", "web": "released"}
    # By way of the one that did not change.
    assert runs.done == ["image web", "healthy money", "healthy web"]


def test_a_red_image_keeps_back_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs("image cart")
    assert runs.release(monkeypatch) == {
        "mail": "released",
        "money": "released",
        "cart": "failed",
        "web": "not started",
    }
    assert len(runs.done) == 6


def test_a_red_image_is_the_end_of_all_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs("image mail", "image web")
    outcomes = runs.release(monkeypatch, all_or_nothing=True)
    assert outcomes == {
        "mail": "failed",
        "web": "failed",
        "money": "not started",
        "cart": "not started",
    }
    assert len(runs.done) == 4


def test_what_is_not_released_is_told_of_too() -> None:
    choices = {
        "a": Choice(what="unchanged", why="the same"),
        "b": Choice(what="changed", why="b"),
        "c": Choice(what="left out", why="no folder"),
    }
    assert module.left_alone(choices) == {
        "a": Outcome(what="unchanged", why="the same"),
        "c": Outcome(what="left out", why="no folder"),
    }


@pytest.mark.parametrize(
    ("all_or_nothing", "stood", "back"),
    [(True, False, [["money", "mail", "web"]]), (True, True, []), (False, False, [])],
)
def test_those_beside_one_that_failed_go_back_where_it_is_all_or_nothing(
    monkeypatch: pytest.MonkeyPatch, *, all_or_nothing: bool, stood: bool, back: list[list[str]]
) -> None:
    went = list[list[str]]()
    runs = Runs("healthy cart")

    async def find(*_: object) -> dict[str, Choice]:
        return chosen(CHANGED)

    async def read(*_: object) -> Services:
        return found()

    async def was_completed(of: ServiceSet, flow: str) -> bool:
        assert (of, flow) == (THIS, "release-services")
        return stood

    async def add_tags(tags: list[str]) -> None:
        assert tags == ["services:staging@bbbbbbbbbbbb", "environment:staging"]

    async def go_back(
        of: ServiceSet, apps: list[str], because: str, until: str
    ) -> dict[str, Outcome]:
        assert (of, until) == (THIS, "healthy")
        assert because == "cart failed at bbbbbbb, and it is all or nothing"
        went.append(apps)
        return dict.fromkeys(apps, Outcome(what="rolled back", why=because))

    async def tell(report: ServicesReport) -> ServicesReport:
        return report

    monkeypatch.setattr(module, "read_services", read)
    monkeypatch.setattr(module, "find_changed", find)
    monkeypatch.setattr(module, "run_for", runs.run_for)
    for patched in (was_completed, add_tags, go_back, tell):
        monkeypatch.setattr(module, patched.__name__, patched)
    work: Any = module.release_services.fn("cart", all_or_nothing=all_or_nothing)
    report: ServicesReport = asyncio.run(work)
    assert report.outcomes["cart"].what == "failed"
    assert [sorted(apps) for apps in went] == [sorted(apps) for apps in back]
    assert {"rolled back"} >= {report.outcomes[app].what for apps in back for app in apps}
