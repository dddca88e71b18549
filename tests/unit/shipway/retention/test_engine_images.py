from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from shipway.retention.engine_images import EngineImage, images_that_go
from shipway.retention.policy import Retention

NOW = datetime(2026, 11, 30, tzinfo=UTC)
OLD = NOW - timedelta(days=8)
NONE_NEWEST = Retention(engine_days=7, engine_images=0)
PUSHED = "registry.example.org:5000/acme/shop"


def image(number: int = 1, **more: object) -> EngineImage:
    facts = {"id": f"sha256:{number:064x}", "app": "shop", "revision": "c1", "tags": ()}
    facts |= {"created": OLD, "size": 10, "is_used": False}
    return EngineImage.model_validate({**facts, **more})


def test_what_is_old_goes_with_what_it_takes_alone() -> None:
    goes, outcome = images_that_go([image()], (), NONE_NEWEST, NOW)
    assert goes == [image()]
    assert [(item.size, item.count) for item in outcome.goes] == [(10, 1)]
    assert outcome.stays == {}


@pytest.mark.parametrize("tag", [f"{PUSHED}:c1", f"{PUSHED}:c1-linux-arm64", "shop:c1"])
def test_a_name_that_a_push_gave_keeps_nothing(tag: str) -> None:
    assert images_that_go([image(tags=(tag,))], (), NONE_NEWEST, NOW)[0]


@pytest.mark.parametrize(
    ("stays", "busy", "why"),
    [
        (image(is_used=True), (), "a container uses it"),
        (image(), ("shop",), "a run of its app goes on or waits"),
        (image(app=""), ("cart",), "a run of its app goes on or waits"),
        (image(tags=("mine:latest",)), (), "somebody else gave it a name"),
        (image(tags=(f"{PUSHED}:c1", f"{PUSHED}:latest")), (), "somebody else gave it a name"),
        (image(tags=(f"{PUSHED}-base:c1",)), (), "somebody else gave it a name"),
        (image(created=NOW - timedelta(days=6)), (), "younger than 7 days"),
        (image(created=datetime.fromtimestamp(0, UTC)), (), "nobody knows how old it is"),
    ],
)
def test_what_may_be_needed_stays(stays: EngineImage, busy: tuple[str, ...], why: str) -> None:
    goes, outcome = images_that_go([stays], busy, NONE_NEWEST, NOW)
    assert (goes, outcome.stays) == ([], {why: 1})


def test_the_newest_of_each_app_stay() -> None:
    images = [image(n, created=OLD - timedelta(days=n), app=app) for n, app in enumerate("abaab")]
    goes, _ = images_that_go(images, (), Retention(engine_days=7, engine_images=1), NOW)
    assert goes == [images[2], images[3], images[4]]


@pytest.mark.parametrize("seed", range(100))
def test_nothing_that_is_in_use_ever_goes(seed: int) -> None:
    pick = random.Random(seed)  # noqa: S311
    images = [
        image(
            number,
            app=pick.choice(["shop", "cart", ""]),
            is_used=pick.random() < 0.3,
            created=NOW - timedelta(days=pick.randint(0, 20)),
            tags=pick.choice([(), ("mine:1",), ("x/shop:c1",)]),
        )
        for number in range(pick.randint(0, 30))
    ]
    busy = pick.choice([(), ("shop",), ("shop", "cart")])
    keep = Retention(engine_days=pick.randint(0, 10), engine_images=pick.randint(0, 3))
    goes, outcome = images_that_go(images, busy, keep, NOW)
    assert outcome.count + sum(outcome.stays.values()) == len(images)
    for each in goes:
        assert not each.is_used
        assert not each.has_other_tags
        assert each.app not in busy
        assert each.app or not busy
        assert NOW - each.created >= timedelta(days=keep.engine_days)
        newer = [one for one in images if one.app == each.app and one.created >= each.created]
        assert len(newer) > keep.engine_images
