from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from flows.runtime.run_reporter import SHARES, TESTS_SHARE, RunReporter
from shipway.errors import FailError
from shipway.image_ref import ImageRef
from shipway.pyramid.results import LayerResult, RedLayerError
from shipway.registry import Pushed
from shipway.rollout.result import RolloutResult, StepCommit
from tests.support.app_environments import SHOP

IMAGE = ImageRef.parse("registry.example.org/shop@sha256:" + "0" * 64)


@pytest.fixture
def reporter() -> RunReporter:
    return RunReporter(SHOP, UUID(int=1))


def test_a_report_begins_with_nothing_done(reporter: RunReporter) -> None:
    report = reporter.report
    assert (report.app, report.environment, report.revision) == ("shop", "prod", None)
    assert (report.built, report.pushed, report.committed) == (0, 0, 0)


def test_the_shares_of_all_stages_are_the_whole_run() -> None:
    assert sum(SHARES.values()) + TESTS_SHARE == 100
    assert TESTS_SHARE > 0


async def test_a_stage_that_fails_is_noted_as_not_done_and_its_error_goes_on(
    reporter: RunReporter,
) -> None:
    error = FailError("Red.")

    async def work() -> None:
        raise error

    with pytest.raises(FailError) as caught:
        await reporter.timed("unit", work())
    assert caught.value is error
    (stage,) = reporter.report.stages
    assert (stage.name, stage.done) == ("unit", False)
    assert 0 <= stage.begin <= stage.end


async def test_a_red_layer_is_kept_as_far_as_it_came(reporter: RunReporter) -> None:
    so_far = LayerResult(layer="unit", weight=70, budget_seconds=9, tests=(), seconds=1)
    error = RedLayerError("The unit layer is red.")
    error.result = so_far

    async def work() -> LayerResult:
        raise error

    with pytest.raises(RedLayerError):
        await reporter.verified("unit", work())
    assert reporter.report.layers == [so_far]
    assert [(stage.name, stage.done) for stage in reporter.report.stages] == [("unit", False)]


@pytest.mark.parametrize(("new", "pushed"), [(True, 1), (False, 0)])
def test_an_image_that_was_in_the_registry_before_is_not_counted_as_pushed(
    reporter: RunReporter, *, new: bool, pushed: int
) -> None:
    reporter.pushed(Pushed(image=IMAGE, new=new))
    assert reporter.report.pushed == pushed


def test_of_several_commits_the_new_ones_count_and_the_last_is_shown(reporter: RunReporter) -> None:
    commits = tuple(
        StepCommit(commit=str(number) * 40, new=new, link=f"link {number}", at=datetime.now(UTC))
        for number, new in enumerate((False, True, True))
    )
    reporter.rolled_out(IMAGE, RolloutResult(commits=commits, served="2 of 2 run the image"))
    report = reporter.report
    assert (report.image, report.committed, report.served) == (IMAGE, 2, "2 of 2 run the image")
    assert (report.commit, report.commit_link) == ("2" * 40, "link 2")


def test_a_run_that_stops_at_its_image_has_released_nothing(reporter: RunReporter) -> None:
    reporter.pushed(Pushed(image=IMAGE, new=True))
    reporter.stopped_at(IMAGE)
    report = reporter.report
    assert (report.image, report.state, report.outcome) == (IMAGE, "pending", "pushed")
    assert report.commit is None
