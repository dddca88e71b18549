from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from shipway.retention.in_git import InGit
from shipway.retention.outcome import Outcome
from shipway.retention.policy import Retention
from shipway.retention.registry_images import StoredTag, digests_that_go

NOW = datetime(2026, 11, 30, tzinfo=UTC)
NOTHING = InGit(ids=frozenset())
KEEP = Retention(registry_days=90, registry_images=1)
NEW = NOW - timedelta(days=1)
OLD = NOW - timedelta(days=91)


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def revision(number: int) -> str:
    return f"{number:040x}"


def tag(
    number: int, created: datetime | None = OLD, name: str | None = None, **more: object
) -> StoredTag:
    facts = {"tag": name or revision(number), "digest": digest(number), "created": created}
    return StoredTag.model_validate({**facts, **more})


def look(
    *tags: StoredTag, in_git: InGit = NOTHING, busy: tuple[str, ...] = (), keep: Retention = KEEP
) -> tuple[list[str], Outcome]:
    return digests_that_go("shop", [tag(0, NEW), *tags], in_git, busy, keep, NOW)


def test_what_is_old_and_not_named_goes() -> None:
    goes, outcome = look(tag(1, blobs={"a": 5, "b": 7}), tag(2, blobs={"b": 7}))
    assert goes == [digest(1), digest(2)]
    assert [(item.name, item.size) for item in outcome.goes] == [
        ("shop 0000000", 12),
        ("shop 0000000", 0),
    ]
    assert "older than 90 days" in outcome.goes[0].why


@pytest.mark.parametrize(
    ("stays", "in_git", "busy", "why"),
    [
        (tag(1), InGit(ids=frozenset({f"{1:064x}"})), (), "Git names it"),
        (tag(1), InGit(ids=frozenset({revision(1)})), (), "Git names it"),
        (
            tag(1, parts=(digest(7),)),
            InGit(ids=frozenset({f"{7:064x}"})),
            (),
            "Git names it",
        ),
        (tag(1), NOTHING, ("shop",), "a run of its app goes on or waits"),
        (tag(1, NOW - timedelta(days=90, seconds=-1)), NOTHING, (), "younger than 90 days"),
        (tag(1, None), NOTHING, (), "nobody knows how old it is"),
        (tag(1, datetime(1980, 1, 1, tzinfo=UTC)), NOTHING, (), "nobody knows how old it is"),
    ],
)
def test_what_may_be_needed_stays(
    stays: StoredTag, in_git: InGit, busy: tuple[str, ...], why: str
) -> None:
    none_newest = Retention(registry_days=90, registry_images=0)
    goes, outcome = look(stays, in_git=in_git, busy=busy, keep=none_newest)
    assert goes == []
    assert outcome.stays[why] >= 1


def test_the_newest_stay_however_old_they_are() -> None:
    three = [tag(number, OLD - timedelta(days=number)) for number in (1, 2, 3)]
    keep = Retention(registry_days=90, registry_images=2)
    goes, _ = digests_that_go("shop", three, NOTHING, (), keep, NOW)
    assert goes == [digest(3)]


@pytest.mark.parametrize("name", ["latest", "v1.2", "main-abcdef0"])
def test_what_others_pushed_stays_with_all_that_it_lists(name: str) -> None:
    theirs = tag(9, name=name, parts=(digest(2),))
    goes, _ = look(theirs, tag(1), tag(2, name=f"{revision(1)}-linux-arm64"))
    # The tag of a part leads to what is listed elsewhere: the image stays whole.
    assert goes == []


def test_a_revision_that_somebody_else_pushed_stays() -> None:
    assert look(tag(1, is_ours=False))[0] == []


def test_what_another_tag_leads_to_stays() -> None:
    goes, outcome = look(tag(1), tag(1, name="release-candidate", is_ours=False), tag(2))
    assert goes == [digest(2)]
    assert outcome.stays["a tag that stays leads to the same image"] == 1


def test_what_goes_is_what_lists_others_first_and_then_its_parts() -> None:
    index = tag(1, parts=(digest(2), digest(3)))
    goes, _ = look(tag(2, name=f"{revision(1)}-linux-amd64"), index)
    assert goes == [digest(1), digest(2), digest(3)]


def test_a_part_that_an_image_which_stays_lists_too_stays() -> None:
    goes, _ = look(tag(1, parts=(digest(7),)), tag(2, NEW, parts=(digest(7),)))
    assert goes == [digest(1)]


def test_the_parts_of_what_stays_stay_though_they_are_old() -> None:
    part = tag(2, OLD, name=f"{revision(1)}-linux-amd64")
    assert look(tag(1, NEW, parts=(digest(2),)), part)[0] == []


@pytest.mark.parametrize("seed", range(200))
def test_nothing_that_is_in_use_ever_goes(seed: int) -> None:
    pick = random.Random(seed)  # noqa: S311
    tags = {each.tag: each for each in (_any_tag(pick) for _ in range(pick.randint(0, 25)))}
    ids = {f"{pick.randint(0, 12):064x}", revision(pick.randint(0, 12))}
    in_git = InGit(ids=frozenset(pick.sample(sorted(ids), pick.randint(0, len(ids)))))
    keep = Retention(registry_days=pick.choice([0, 90]), registry_images=pick.randint(0, 4))
    goes, outcome = digests_that_go("shop", list(tags.values()), in_git, (), keep, NOW)

    # The registry drops every tag that leads to what is removed.
    left = [each for each in tags.values() if each.digest not in goes]
    dropped = [each for each in tags.values() if each.digest in goes]
    for each in left:
        assert not {each.digest, *each.parts} & set(goes), "what is left is whole"
    for each in dropped:
        assert each.is_ours
        assert each.tag[:40] == revision(int(each.tag[:40], 16))
        assert each.created is not None
        assert NOW - each.created >= timedelta(days=keep.registry_days)
        assert not in_git.names(each.tag[:40], each.digest, *each.parts)
    images = {each.tag[:40] for each in dropped}
    assert outcome.count == len(images)
    assert not images & {each.tag[:40] for each in left if each.is_ours}, (
        "an image goes whole, or not at all"
    )
    ours = {each.tag[:40] for each in tags.values() if each.is_ours and each.tag != "latest"}
    assert len(ours - images) >= min(len(ours), keep.registry_images)


def _any_tag(pick: random.Random) -> StoredTag:
    number = pick.randint(0, 12)
    name = pick.choice([revision(number), f"{revision(number)}-linux-arm64", "latest"])
    parts = tuple(digest(pick.randint(0, 12)) for _ in range(pick.choice([0, 0, 2])))
    return tag(
        pick.randint(0, 12),
        pick.choice([None, NEW, OLD, OLD - timedelta(days=number)]),
        name,
        parts=parts,
        is_ours=pick.random() < 0.8,
    )
