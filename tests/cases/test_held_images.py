"""A hold is told by its image.

Each input names a hold in another way. What nobody released has no revision but `unknown`, and two
images may be of one revision: the digest tells them apart.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.config.holds import Hold, Holds, holds_in, write_holds
from shipway.errors import RefuseError
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.rolling_environment import RollingEnvironment, image
from tests.support.run_contexts import run_context

UNKNOWN = "unknown"
REBUILT = "3f2c1ab" + "0" * 33
TAGGED = "registry.example.org/shop:hotfix"


def hold(image: object, revision: str, by: str = "Ada") -> Hold:
    return Hold(image=str(image), revision=revision, reason="5xx", by=by, at="2026-11-25")


HOLDS = [
    hold(image(4), UNKNOWN),
    hold(image(5), UNKNOWN),
    hold(image(6), REBUILT),
    hold(image(7), REBUILT),
    hold(image(8), "e" * 40),
    hold(TAGGED, UNKNOWN),
    # Rolled back, put there by hand, and rolled back again.
    hold(image(9), "9" * 40),
    hold(image(9), UNKNOWN, by="Grace"),
]


@pytest.fixture
def shop(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    environment = RollingEnvironment(origin, Origin(tmp_path / "app"))
    content = write_holds(Holds(holds=HOLDS))
    assert content is not None
    origin.commit({"prod/shop/holds.yaml": content})
    environment.run = run_context(2)
    return environment


def held(shop: RollingEnvironment) -> list[str]:
    return [each.image for each in holds_in(shop.ops.fetch(SHOP).files).holds]


@pytest.mark.parametrize(
    ("name", "cleared"),
    [
        (f"sha256:{'4' * 64}", image(4)),
        ("sha256:55", image(5)),
        ("6666666", image(6)),
        (str(image(7)), image(7)),
        ("eeeeeee", image(8)),
        (TAGGED, TAGGED),
        ("9999999", image(9)),
    ],
    ids=[
        "one of two unknown ones, by digest",
        "the beginning of a digest",
        "a digest without its algorithm",
        "one of two builds of a revision, by the whole image",
        "a revision",
        "an image without a digest",
        "an image that is held twice",
    ],
)
def test_one_hold_is_cleared_and_no_other(
    shop: RollingEnvironment, name: str, cleared: object
) -> None:
    shop.clear_hold(name, "mended", "Grace")
    assert held(shop) == [each.image for each in HOLDS if each.image != str(cleared)]
    assert shop.trailer(shop.origin.tip(), "Hold-Cleared") == [str(cleared)]


@pytest.mark.parametrize(
    "name", [UNKNOWN, "3f2c1ab", "sha256:", "", "registry.example.org", "abcdef"]
)
def test_a_name_of_several_or_none_is_refused_with_the_digests(
    shop: RollingEnvironment, name: str
) -> None:
    before = shop.origin.tip()
    with pytest.raises(RefuseError, match="There is no single hold on") as caught:
        shop.clear_hold(name, "mended", "Grace")
    for each in HOLDS:
        assert f"{each.revision}: {each.image}" in str(caught.value.facts["got"])
    assert "digest" in str(caught.value.facts["expected"])
    assert shop.origin.tip() == before
