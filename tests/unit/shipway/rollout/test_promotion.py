from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from shipway.app_environment import AppEnvironment
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.git.trailers import OpsCommit
from shipway.image_ref import ImageRef
from shipway.rollout.promotion import (
    Promotable,
    healthy_seconds,
    promotion_of,
    released_in,
    same_in_all,
)
from shipway.rollout.target import Target, target_of
from tests.support.colours import ROLLOUT, SERVICE, deployment, folder
from tests.support.memory_cluster import MemoryCluster

OLD, NEW = (f"registry.example.org/shop@sha256:{digit * 64}" for digit in "12")
AT = datetime(2026, 11, 24, tzinfo=UTC)


def target(**files: bytes) -> Target:
    staging = AppEnvironment(app="shop", environment="staging")
    return target_of(OpsFolder(app_environment=staging, commit="0" * 40, files=folder(**files)))


def recorded(image: str) -> OpsCommit:
    return OpsCommit(commit=image[-40:], at=AT, by="Shipway", trailers={"Image": image})


HISTORY = [recorded(NEW), recorded(OLD)]
UP = {"blue_yaml": deployment("blue", 2, OLD), "green_yaml": deployment("green", 2, NEW)}
GREEN = {"service_yaml": SERVICE.replace(b"colour: blue", b"colour: green")}
DOWN = {"blue_yaml": deployment("blue", 0, OLD)}


def test_what_is_promoted_is_what_takes_the_traffic_once_its_rollout_is_over() -> None:
    found = released_in(target(**{**UP, **GREEN, **DOWN}), HISTORY)
    assert (str(found.image), found.commit.trailers["Image"]) == (NEW, NEW)


@pytest.mark.parametrize(
    ("files", "history", "got"),
    [
        ({}, [], "shop:unreleased"),
        ({**UP, **GREEN, **DOWN}, [recorded(OLD)], NEW),
        ({**UP, **GREEN}, HISTORY, "still to come: 3/3 scale down blue"),
    ],
    ids=["never released", "not by Shipway", "half-done"],
)
def test_anything_else_is_refused(
    files: dict[str, bytes], history: list[OpsCommit], got: str
) -> None:
    with pytest.raises(
        RefuseError, match="'staging' has no release of 'shop' to promote"
    ) as caught:
        released_in(target(**files), history)
    assert caught.value.facts["got"] == got


def test_an_idle_version_that_is_up_is_no_rollout_of_what_serves() -> None:
    # Another release prepared green; what serves is blue, and its own rollout has this left.
    with pytest.raises(RefuseError, match="no release") as caught:
        released_in(target(**UP), HISTORY)
    assert caught.value.facts["got"] == "still to come: 3/3 scale down green"


def test_the_environment_says_where_its_next_version_comes_from() -> None:
    with pytest.raises(RefuseError, match="'staging' takes no promotion of 'shop'"):
        promotion_of(target())
    said = ROLLOUT + b"promotion: {source: qa, healthy_for_seconds: 60}\n"
    found = promotion_of(target(rollout_yaml=said))
    assert (found.source, found.healthy_for_seconds) == (("qa",), 60)


@pytest.mark.parametrize(
    ("trailers", "got"),
    [
        ({}, "still to come: a commit that it is done"),
        ({"Step": "3/3 scale down blue"}, "still to come: a commit that it is done"),
        ({"Rollback-From": "f" * 40}, "still to come: rolled back from fffffff"),
        ({"Step": "done"}, None),
    ],
)
def test_by_itself_only_what_a_run_has_seen_through_goes_on(
    trailers: dict[str, str], got: str | None
) -> None:
    ended = recorded(NEW).model_copy(update={"trailers": {"Image": NEW, **trailers}})
    ran, whole = [ended, recorded(NEW)], target(**{**UP, **GREEN, **DOWN})
    assert released_in(whole, ran).commit == ended
    if got is None:
        assert released_in(whole, ran, by_itself=True).commit == ended
        return
    with pytest.raises(RefuseError, match="no release") as caught:
        released_in(whole, ran, by_itself=True)
    assert caught.value.facts["got"] == got


def test_all_environments_before_have_to_run_one_image() -> None:
    new, old = (
        Promotable(target=target(), image=ImageRef.parse(image), commit=recorded(image))
        for image in (NEW, OLD)
    )
    assert same_in_all([new, new]) is new
    with pytest.raises(RefuseError, match="run different versions of 'shop'") as caught:
        same_in_all([new, old])
    assert caught.value.facts["got"] == f"staging: {NEW}\nstaging: {OLD}"


@pytest.mark.parametrize("minutes", [-90, 0, 90])
def test_how_long_a_version_is_healthy_is_told_by_the_clusters_own_clock(minutes: float) -> None:
    now = datetime.now(UTC)
    theirs = (now + timedelta(minutes=minutes)).replace(microsecond=0)
    cluster = MemoryCluster("shop")
    cluster._date = format_datetime(theirs)
    long_ago = now - timedelta(days=1)
    assert healthy_seconds(cluster, long_ago, theirs - timedelta(seconds=60)) == 59
    # What is there only just, is there all the same.
    assert healthy_seconds(cluster, long_ago, theirs) == 0
    # The cluster may have had the version before by chance, and need not tell.
    for since in (theirs - timedelta(days=2), None):
        assert 86400 <= healthy_seconds(cluster, long_ago, since) < 86460
