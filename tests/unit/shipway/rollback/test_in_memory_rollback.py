"""Where a rollback leads, and what its commit says in full."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shipway.errors import RefuseError
from shipway.release import Cause
from shipway.rollback.target import RollbackTarget, rollback_in_progress, rollback_target
from shipway.rollout.target import target_of
from tests.support.app_environments import SHOP
from tests.support.autoscaled import autoscaler
from tests.support.colours import ROLLOUT as COLOURS
from tests.support.colours import SERVICE, deployment, folder
from tests.support.memory_ops import MemoryShop, revision
from tests.support.rolling_environment import ROLLOUT, WEB, image
from tests.support.run_contexts import LINK, run_context

KUSTOMIZED = ROLLOUT + b"- {file: kustomization.yaml, kustomize: shop}\nagent: external\n"
KUSTOMIZATION = f"""\
images:
- name: shop
  newName: {image(7).repository}
  newTag: "0"
  digest: {image(7).digest}
""".encode()
REVIEW = "https://git.example.org/acme/ops/pulls/7"
ONE, TWO, THREE = (revision(number).commit for number in (1, 2, 3))


@pytest.fixture
def shop() -> MemoryShop:
    return MemoryShop({"rollout.yaml": ROLLOUT, "web.yaml": WEB})


@pytest.fixture
def colours() -> MemoryShop:
    return MemoryShop(folder())


def leads_to(shop: MemoryShop, to: str | None = None) -> RollbackTarget:
    return shop.ops.consult(
        SHOP,
        lambda folder, history: rollback_target(folder, target_of(folder), history, to, shop.run),
    )


def in_progress(shop: MemoryShop, to: str | None = None) -> RollbackTarget | None:
    return shop.ops.consult(
        SHOP,
        lambda folder, history: rollback_in_progress(
            folder, target_of(folder), history, to, shop.run
        ),
    )


def refusal(shop: MemoryShop, to: str | None = None) -> str:
    with pytest.raises(RefuseError) as caught:
        leads_to(shop, to)
    return str(caught.value)


def put(shop: MemoryShop, number: int) -> str:
    """Somebody writes an image into the manifest; returns the commit."""
    containers = WEB.decode().partition("initContainers:")
    text = f"{containers[0]}{containers[1]}{containers[2].replace('shop:0', str(image(number)))}"
    return shop.memory.edit({"web.yaml": text.encode()})


def unsaid(shop: MemoryShop, trailer: str) -> None:
    """The newest commit is squashed into one whose record lacks a trailer."""
    files = shop.memory.versions.pop(0).files
    lines = files["RELEASE"].decode().splitlines(keepends=True)
    record = "".join(line for line in lines if not line.startswith(trailer))
    shop.memory.edit({**files, "RELEASE": record.encode()})


def test_a_rollback_leads_to_the_release_before(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    assert leads_to(shop) == RollbackTarget(
        revision=revision(2), image=image(2), from_revision=THREE, from_image=str(image(3))
    )


def test_what_is_gone_back_to_is_a_release_with_its_cause(shop: MemoryShop) -> None:
    shop.release(1, 2)
    release = leads_to(shop).release
    assert (release.revision, release.image) == (revision(1), image(1))
    assert release.cause == Cause(rollback_from=TWO)


def test_a_rollback_can_name_its_target_by_the_beginning_of_its_id(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    assert leads_to(shop, "111").revision == revision(1)


def test_a_rollback_is_committed_to_the_target_that_is_named(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    assert shop.roll_back("111").target.image == image(1)


def test_a_target_that_is_named_counts_more_than_a_rollback_in_progress(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    shop.roll_back()
    target = leads_to(shop, "111")
    assert (target.image, target.in_progress) == (image(1), False)


def test_of_revisions_with_one_image_the_one_that_is_named_is_gone_back_to(
    shop: MemoryShop,
) -> None:
    shop.release(1, 2)
    shop.step(1, "1/1 rolling", of=3)
    shop.release(4)
    for number in (1, 3):
        target = leads_to(shop, revision(number).commit)
        assert (target.image, target.revision) == (image(1), revision(number))


def test_a_rollbacks_commit_tells_release_hold_reason_and_run(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    begin = datetime.now(UTC)
    rollback = shop.roll_back()
    assert begin <= rollback.commit.at <= datetime.now(UTC)
    assert (rollback.commit.commit, rollback.commit.new) == (shop.memory.tip, True)
    assert shop.memory.messages[shop.memory.tip] == (
        "shop 2222222 → prod\n"
        "\n"
        "Release: shop/prod/222222222222\n"
        "App: shop\n"
        "Environment: prod\n"
        f"Revision: {TWO}\n"
        f"Revision-Date: {revision(2).at.isoformat()}\n"
        f"Image: {image(2)}\n"
        "Step: 1/1 rolling\n"
        f"Rollback-From: {THREE}\n"
        f"Held: {image(3)}\n"
        "Reason: it fails\n"
        "By: Ada\n"
        f"Run: {LINK}4\n"
    )


def test_a_hold_tells_image_revision_reason_who_and_when(shop: MemoryShop) -> None:
    shop.release(1, 2)
    begin = datetime.now(UTC).replace(microsecond=0)
    shop.roll_back()
    (hold,) = shop.holds()
    assert (hold.image, hold.revision) == (str(image(2)), TWO)
    assert (hold.reason, hold.by) == ("it fails", "Ada")
    assert begin <= datetime.fromisoformat(hold.at) <= datetime.now(UTC)
    assert "." not in hold.at


def test_a_rollback_keeps_the_holds_that_are_there(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    shop.hold(ONE)
    shop.roll_back()
    assert [hold.revision for hold in shop.holds()] == [ONE, THREE]


def test_a_file_that_has_a_tag_says_the_revision_that_is_gone_back_to(shop: MemoryShop) -> None:
    shop.memory.edit({"rollout.yaml": KUSTOMIZED, "kustomization.yaml": KUSTOMIZATION})
    shop.release(1, 2, 3)
    shop.roll_back()
    content = shop.memory.files["kustomization.yaml"].decode()
    assert f'newTag: "{TWO}"' in content
    assert str(image(2).digest) in content


def test_a_rollback_starts_afresh_on_what_came_meanwhile(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    shop.memory.meanwhile = lambda: shop.hold(TWO, first=2)
    assert shop.roll_back().target.image == image(1)
    assert [hold.revision for hold in shop.holds()] == [TWO, THREE]


def other_run_goes_back(shop: MemoryShop, to: str) -> None:
    """Another run commits a rollback while this one is at it."""
    own, shop.run, shop.memory.meanwhile = shop.run, run_context(9), None
    shop.roll_back(to)
    shop.run = own


def test_two_runs_that_go_back_at_once_do_so_once(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    shop.memory.meanwhile = lambda: other_run_goes_back(shop, TWO)
    rollback = shop.roll_back()
    assert (rollback.target.image, rollback.target.in_progress) == (image(2), True)
    assert (rollback.commit.commit, rollback.commit.new) == (shop.memory.tip, False)


def test_a_rollback_to_elsewhere_that_came_first_is_gone_back_from(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    shop.memory.meanwhile = lambda: other_run_goes_back(shop, ONE)
    with pytest.raises(RefuseError, match="There is no release to go back to"):
        shop.roll_back()
    shop.release(4)
    assert shop.roll_back().target.image == image(1)


def test_a_rollback_from_elsewhere_that_came_first_is_another_one(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)

    def released_and_gone_back() -> None:
        own = shop.run
        shop.memory.meanwhile = None
        shop.release(4)
        shop.run = run_context(9)
        shop.roll_back(TWO)
        shop.run = own

    shop.memory.meanwhile = released_and_gone_back
    rollback = shop.roll_back()
    assert (rollback.target.from_image, rollback.target.in_progress) == (str(image(2)), False)


def test_the_run_is_told_where_people_merge_it(shop: MemoryShop) -> None:
    shop.release(1, 2)
    told: list[str] = []
    shop.memory.review = REVIEW
    shop.run = replace(shop.run, on_review=told.append)
    shop.roll_back()
    assert told == [REVIEW]


@pytest.mark.parametrize("to", [None, "f00"])
def test_where_nothing_can_be_gone_back_to_is_told_with_what_is_known(
    shop: MemoryShop, to: str | None
) -> None:
    shop.release(1, 2, 3)
    shop.hold(ONE, TWO)
    assert refusal(shop, to) == (
        f"There is no release to go back to{'' if to is None else ' of f00'}.\n"
        "  where:     prod/shop at 0000000\n"
        "  expected:  an earlier release of another image that is not on hold\n"
        f"  got:       {THREE[:12]}, {TWO[:12]}, {ONE[:12]}\n"
        "  untouched: the ops repository and the cluster\n"
        "  remedy:    release a revision that mends it, or name one of these with `--to`"
    )


def test_where_nothing_was_released_that_is_told(shop: MemoryShop) -> None:
    assert "got:       no release at all\n" in refusal(shop)
    assert "got:       no release at all\n" in refusal(shop, "")


def test_a_placeholder_is_nothing_to_go_back_to(shop: MemoryShop) -> None:
    shop.release(1)
    assert f"got:       {ONE[:12]}\n" in refusal(shop)
    assert "There is no release to go back to." in refusal(shop, "")


def test_what_is_on_hold_or_runs_now_cannot_be_named(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    shop.hold(TWO, first=2)
    for named in (TWO, THREE):
        assert f"no release to go back to of {named}." in refusal(shop, named)
    assert leads_to(shop, ONE).image == image(1)


def test_a_holds_file_that_cannot_be_read_is_named(shop: MemoryShop) -> None:
    shop.release(1, 2)
    shop.memory.edit({"holds.yaml": b"holds: 1\n"})
    assert "where:     prod/shop/holds.yaml:1" in refusal(shop)


def test_what_somebody_put_there_is_an_unknown_revision(shop: MemoryShop) -> None:
    shop.release(1)
    put(shop, 9)
    target = leads_to(shop)
    assert (target.from_revision, target.from_image) == ("unknown", str(image(9)))
    assert (target.revision, target.image) == (revision(1), image(1))


def test_an_image_that_nothing_explains_is_gone_back_to_as_of_its_commit(
    shop: MemoryShop,
) -> None:
    put(shop, 9)
    at = shop.memory.versions[0].commit.at
    shop.release(1)
    target = leads_to(shop)
    assert (target.image, target.revision.commit) == (image(9), "unknown")
    assert target.revision.at == at


def test_an_image_that_came_back_by_hand_is_explained_by_its_release(shop: MemoryShop) -> None:
    shop.release(1)
    first = shop.memory.files["web.yaml"]
    shop.release(2)
    shop.memory.edit({"web.yaml": first})
    shop.release(3)
    target = leads_to(shop)
    assert (target.image, target.revision) == (image(1), revision(1))


def test_a_rollback_of_another_run_that_came_to_its_end_is_over(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    shop.roll_back()
    shop.run = run_context(5)
    assert in_progress(shop) is None
    assert in_progress(shop, "f00") is None
    assert leads_to(shop).image == image(1)


def test_a_rollback_of_this_run_leads_where_it_led(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    first = shop.roll_back().target
    assert in_progress(shop) == first.model_copy(update={"in_progress": True})
    assert in_progress(shop, "222") == in_progress(shop)
    assert in_progress(shop, "111") is None
    again = shop.roll_back()
    assert (again.target, again.commit.new) == (in_progress(shop), False)


def test_a_rollback_that_was_interrupted_is_gone_on_with(shop: MemoryShop) -> None:
    shop.release(1, 2)
    shop.roll_back()
    shop.run = run_context(5, lambda run: run == f"{LINK}3")
    assert in_progress(shop) is not None
    shop.run = run_context(5, lambda run: run != f"{LINK}3")
    assert in_progress(shop) is None


def test_a_rollback_whose_run_nobody_knows_any_more_is_asked_about(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    first = shop.roll_back().target
    shop.run = run_context(5, lambda _: None)
    with pytest.raises(RefuseError, match="not known whether the rollback before") as refused:
        leads_to(shop)
    assert "`--to 2222" in str(refused.value)
    # A release asks the same, and is not refused for it.
    assert in_progress(shop) is None
    assert leads_to(shop, "222") == first.model_copy(update={"in_progress": True})
    assert leads_to(shop, "111").image == image(1)


def test_a_rollback_with_steps_left_is_gone_on_with_by_any_run(colours: MemoryShop) -> None:
    colours.release(1, 2)
    first = colours.roll_back().target
    colours.run = run_context(9)
    assert in_progress(colours) == first.model_copy(update={"in_progress": True})


def test_a_rollback_is_over_where_somebody_put_another_image_there(shop: MemoryShop) -> None:
    shop.release(1, 2)
    shop.roll_back()
    put(shop, 9)
    assert in_progress(shop) is None


def test_a_release_is_no_rollback(shop: MemoryShop) -> None:
    shop.release(1, 2)
    shop.run = run_context(4, lambda _: True)
    assert in_progress(shop) is None


def test_a_rollback_whose_run_nobody_names_is_over(shop: MemoryShop) -> None:
    shop.release(1, 2)
    shop.roll_back()
    unsaid(shop, "Run:")
    asked: list[str] = []
    shop.run = run_context(5, lambda run: bool(asked.append(run)))
    assert in_progress(shop) is None
    assert asked == [""]


def test_a_rollback_leads_away_from_what_its_own_first_commit_held(shop: MemoryShop) -> None:
    shop.release(1, 2, 3)
    shop.roll_back()
    shop.run = run_context(5)
    shop.roll_back()
    found = in_progress(shop)
    assert found is not None
    assert (found.image, found.from_image, found.from_revision) == (image(1), str(image(2)), TWO)


def test_a_revision_that_is_named_is_gone_back_to_even_if_it_never_served(
    colours: MemoryShop,
) -> None:
    colours.release(1)
    colours.step(2, "1/3 prepare green")
    colours.release(3)
    target = leads_to(colours, TWO)
    assert (target.image, target.revision) == (image(2), revision(2))


def test_a_rollback_in_mid_rollout_leads_away_from_what_is_coming(colours: MemoryShop) -> None:
    colours.release(1)
    colours.step(2, "1/3 prepare green")
    target = leads_to(colours)
    assert (target.image, target.from_image) == (image(1), str(image(2)))


def test_a_rollback_whose_hold_nobody_names_leads_away_from_an_unknown_image(
    shop: MemoryShop,
) -> None:
    shop.release(1, 2)
    shop.roll_back()
    unsaid(shop, "Held:")
    found = in_progress(shop)
    assert found is not None
    assert (found.image, found.from_image, found.from_revision) == (image(1), "", TWO)


def test_a_rollback_without_a_date_is_of_now(shop: MemoryShop) -> None:
    shop.release(1, 2)
    shop.roll_back()
    unsaid(shop, "Revision-Date:")
    begin = datetime.now(UTC)
    found = in_progress(shop)
    assert found is not None
    assert begin <= found.revision.at <= datetime.now(UTC)


PREVIEWED = COLOURS.replace(b"service: shop,", b"service: shop, preview: shop-preview,")
PREVIEW = SERVICE.replace(b"name: shop", b"name: shop-preview")


@pytest.fixture
def previewed() -> MemoryShop:
    """Two colours and a preview, after the switch to the second release."""
    shop = MemoryShop({**folder(), "rollout.yaml": PREVIEWED, "preview.yaml": PREVIEW})
    shop.release(1)
    shop.step(2, "1/3 prepare green")
    shop.step(2, "2/3 switch to green")
    shop.run = run_context(3)
    return shop


def test_a_rollback_begins_with_the_switch_and_not_with_the_preview(
    previewed: MemoryShop,
) -> None:
    previewed.roll_back()
    assert "\nStep: 2/3 switch to blue\n" in previewed.memory.messages[previewed.memory.tip]
    assert b"colour: blue" in previewed.memory.files["service.yaml"]
    assert b"colour: green" in previewed.memory.files["preview.yaml"]


def test_a_rollback_brings_up_as_many_pods_as_an_autoscaler_has_made(colours: MemoryShop) -> None:
    colours.memory.edit({"hpa.yaml": autoscaler("shop-blue") + autoscaler("shop-green")})
    colours.release(1, 2)
    colours.roll_back(shop_green=7)
    assert b"replicas: 7" in colours.memory.files["blue.yaml"]


def test_a_rollback_that_has_only_the_preview_left_is_not_over(previewed: MemoryShop) -> None:
    previewed.roll_back()
    previewed.memory.edit({"green.yaml": deployment("green", 0, str(image(2)))})
    previewed.run = run_context(9)
    assert in_progress(previewed) is not None
    previewed.memory.edit({"preview.yaml": PREVIEW})
    assert in_progress(previewed) is None
