"""What Prometheus is told by `shipway metrics`, and what it is not told while nobody knows."""

from __future__ import annotations

import pytest

from shipway.cli.metrics import Exporter
from tests.support.metric_sources import ENDED, MetricSources

LABELS = {"app": "shop", "environment": "prod"}
OF_GIT = {"shipway_held_images", "shipway_health", "shipway_unreadable_folders"}


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> MetricSources:
    return MetricSources(monkeypatch)


@pytest.fixture
def exporter(sources: MetricSources) -> Exporter:
    return sources.exporter()


def told(exporter: Exporter) -> set[str]:
    """The names of the metrics that have a value."""
    return {one.name for one in exporter.registry.collect() if one.samples}


def test_nothing_is_told_before_anybody_has_looked(exporter: Exporter) -> None:
    assert told(exporter) == set()


def test_while_git_was_never_reached_no_run_counts(
    sources: MetricSources, exporter: Exporter, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.away = "git"
    exporter.look()
    assert told(exporter) == set()
    assert "git does not answer." in capsys.readouterr().err


def test_what_is_true_of_now_goes_with_its_source_and_what_was_counted_stays(
    sources: MetricSources, exporter: Exporter
) -> None:
    sources.shop.release(1)
    sources.look_around()
    exporter.look()
    everything = told(exporter)
    sources.away = "git"
    exporter.look()
    assert OF_GIT & told(exporter) == set()
    assert {"shipway_deployments", "shipway_queued_runs"} <= told(exporter)
    sources.away = "prefect"
    exporter.look()
    assert "shipway_queued_runs" not in told(exporter)
    assert {"shipway_releases", *OF_GIT} <= told(exporter)
    sources.away = ""
    exporter.look()
    assert told(exporter) == everything


def test_a_source_that_is_away_is_as_old_as_its_last_look(
    sources: MetricSources, exporter: Exporter
) -> None:
    exporter.look()
    looked = {source: _looked(exporter, source) for source in ("git", "prefect")}
    sources.away = "git"
    exporter.look()
    assert _looked(exporter, "git") == looked["git"]
    assert (_looked(exporter, "prefect") or 0) > (looked["prefect"] or 0)


def _looked(exporter: Exporter, source: str) -> float | None:
    name = "shipway_looked_timestamp_seconds"
    return exporter.registry.get_sample_value(name, {"source": source})


def test_a_folder_that_cannot_be_read_is_told_and_keeps_nothing_else_away(
    sources: MetricSources, exporter: Exporter
) -> None:
    sources.shop.memory.edit({"rollout.yaml": b"strategy: none\n"})
    exporter.look()
    assert exporter.registry.get_sample_value("shipway_unreadable_folders") == 1
    assert exporter.registry.get_sample_value("shipway_held_images", LABELS) is None
    assert "shipway_releases" in told(exporter)


def test_a_run_that_has_ended_and_a_release_in_git_count_once(
    sources: MetricSources, exporter: Exporter
) -> None:
    exporter.look()
    sources.shop.release(1)
    sources.look_around()
    sources.ended = [ENDED]
    for _ in range(2):
        exporter.look()
    value = exporter.registry.get_sample_value
    released = {"flow": "release", "outcome": "done", **LABELS}
    assert value("shipway_releases_total", released) == 1
    assert value("shipway_deployments_total", LABELS) == 1
    assert value("shipway_unapplied_seconds", LABELS) == 0
    assert value("shipway_stage_seconds_sum", {"stage": "build", **LABELS}) == 3
