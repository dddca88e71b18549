from __future__ import annotations

from pathlib import Path

import pytest
from git import Repo
from pydantic import ValidationError

from blocks.errors import Refuse, Retry, ShipwayError
from blocks.ops_repository import OpsRepository, Wanted
from tests.unit.origin import Origin

WEB = b"image: a\r\n"
ROLLOUT = b"strategy: rolling\n"


@pytest.fixture
def start(origin: Origin) -> str:
    return origin.commit(
        {
            "prod/shop/web.yaml": WEB,
            "prod/shop/rollout.yaml": ROLLOUT,
            "prod/cart/rollout.yaml": ROLLOUT,
            "prod/base/web.yaml": WEB,
            "staging/shop/rollout.yaml": ROLLOUT,
            "rollout.yaml": ROLLOUT,
            "prod/rollout.yaml": ROLLOUT,
            "prod/shop/old/rollout.yaml": ROLLOUT,
        }
    )


@pytest.fixture
def ops(origin: Origin, start: str) -> OpsRepository:
    assert start
    return OpsRepository(url=origin.url)


def test_an_apps_folder_is_read_at_the_tip(ops: OpsRepository, start: str) -> None:
    assert ops.fetch("prod", "shop") == Wanted(
        commit=start, folder="prod/shop", files={"web.yaml": WEB, "rollout.yaml": ROLLOUT}
    )


def test_each_fetch_reads_the_tip_anew(origin: Origin, ops: OpsRepository) -> None:
    ops.fetch("prod", "shop")
    second = origin.commit({"prod/shop/web.yaml": b"image: b\n"})
    found = ops.fetch("prod", "shop")
    assert (found.commit, found.files["web.yaml"]) == (second, b"image: b\n")


def test_a_folder_that_is_missing_has_no_files(ops: OpsRepository) -> None:
    assert ops.fetch("prod", "none").files == {}


def test_a_branch_that_is_missing_is_refused(origin: Origin, start: str) -> None:
    assert start
    with pytest.raises(Refuse):
        OpsRepository(url=origin.url, branch="none").fetch("prod", "shop")


def test_a_repository_that_is_missing_is_refused(origin: Origin) -> None:
    with pytest.raises(Refuse) as caught:
        OpsRepository(url=f"{origin.url}.none").fetch("prod", "shop")
    assert caught.value.what == (
        "There is no Git repository there; found out while fetching the ops repository."
    )


def test_another_branch_can_be_the_one_that_the_cluster_follows(origin: Origin, start: str) -> None:
    origin.bare.create_head("live", start)
    origin.commit({"prod/shop/web.yaml": b"image: b\n"})
    live = OpsRepository(url=origin.url, branch="live")
    commit = live.push(live.fetch("prod", "shop").commit, {"prod/shop/web.yaml": b"c"}, "release")
    assert origin.tip("live") == commit
    assert origin.changed(start, commit) == ["M\tprod/shop/web.yaml"]


def test_only_the_blobs_of_the_folder_are_fetched(
    origin: Origin, ops: OpsRepository, tmp_path: Path
) -> None:
    origin.commit({"prod/other/large.bin": b"large" * 1000})
    ops.fetch("prod", "shop")
    (mirror,) = (tmp_path / "state/work/ops").glob("*/HEAD")
    listed = Repo(mirror.parent).git.rev_list("--objects", "--missing=print", "main")
    large = origin.bare.commit("main").tree["prod/other/large.bin"].hexsha
    assert f"?{large}" in listed.splitlines()


@pytest.mark.parametrize(
    ("environment", "app", "expected"),
    [
        (None, None, [("prod", "cart"), ("prod", "shop"), ("staging", "shop")]),
        ("prod", None, [("prod", "cart"), ("prod", "shop")]),
        (None, "shop", [("prod", "shop"), ("staging", "shop")]),
        ("staging", "shop", [("staging", "shop")]),
        ("staging", "cart", []),
    ],
)
def test_apps_are_the_folders_with_a_rollout_two_levels_down(
    ops: OpsRepository, environment: str | None, app: str | None, expected: list[tuple[str, str]]
) -> None:
    assert ops.apps(environment, app) == expected


def test_a_push_changes_the_file_and_returns_the_new_tip(
    origin: Origin, ops: OpsRepository, start: str
) -> None:
    tip = ops.fetch("prod", "shop").commit
    commit = ops.push(tip, {"prod/shop/web.yaml": b"image: b\r\n"}, "release\n\nApp: shop\n")
    assert origin.tip() == commit
    assert origin.changed(start, commit) == ["M\tprod/shop/web.yaml"]
    assert ops.fetch("prod", "shop").files["web.yaml"] == b"image: b\r\n"
    found = origin.bare.commit(commit)
    assert (found.author.name, found.author.email) == ("Shipway", "shipway@localhost")


def test_the_author_of_release_commits_can_be_set(origin: Origin, start: str) -> None:
    ops = OpsRepository(url=origin.url, author_name="Bot", author_email="bot@example.org")
    ops.fetch("prod", "shop")
    found = origin.bare.commit(ops.push(start, {"prod/shop/web.yaml": b"b"}, "release"))
    assert (found.committer.name, found.committer.email) == ("Bot", "bot@example.org")


def test_a_push_on_a_tip_that_has_moved_loses_and_is_tried_again(
    origin: Origin, ops: OpsRepository, start: str
) -> None:
    ops.fetch("prod", "shop")
    theirs = origin.commit({"prod/cart/rollout.yaml": b"theirs\n"})
    with pytest.raises(Retry) as caught:
        ops.push(start, {"prod/shop/web.yaml": b"image: b\n"}, "release")
    assert str(caught.value) == (
        "Somebody else pushed to the ops repository first.\n"
        f"  where:     {origin.url} main\n"
        "  untouched: the ops repository"
    )
    assert origin.tip() == theirs


def test_after_a_lost_race_the_new_tip_takes_the_edit(
    origin: Origin, ops: OpsRepository, start: str
) -> None:
    ops.fetch("prod", "shop")
    theirs = origin.commit({"prod/cart/rollout.yaml": b"theirs\n"})
    with pytest.raises(Retry):
        ops.push(start, {"prod/shop/web.yaml": b"image: b\n"}, "release")
    tip = ops.fetch("prod", "shop").commit
    commit = ops.push(tip, {"prod/shop/web.yaml": b"image: b\n"}, "release")
    assert tip == theirs
    assert origin.changed(start, commit) == ["M\tprod/cart/rollout.yaml", "M\tprod/shop/web.yaml"]


def test_a_push_that_the_server_forbids_is_not_tried_again(
    origin: Origin, ops: OpsRepository, start: str
) -> None:
    ops.fetch("prod", "shop")
    hook = origin.path / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho this branch is protected\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(ShipwayError) as caught:
        ops.push(start, {"prod/shop/web.yaml": b"image: b\n"}, "release")
    assert not isinstance(caught.value, Retry)


def release(app: str, environment: str, revision: str) -> str:
    return (
        f"{app} → {environment}\n\nApp: {app}\nEnvironment: {environment}\nRevision: {revision}\n"
    )


@pytest.fixture
def released(origin: Origin, ops: OpsRepository) -> OpsRepository:
    for message in (
        release("shop", "prod", "one"),
        release("shop", "prod", "two"),
        release("shop", "staging", "three"),
        release("cart", "prod", "four"),
        "Set replicas by hand",
    ):
        origin.commit({}, message)
    ops.fetch("prod", "shop")
    return ops


@pytest.mark.parametrize(
    ("environment", "app", "key", "value"),
    [
        ("prod", "shop", "Revision", "two"),
        ("staging", "shop", "Revision", "three"),
        ("prod", "cart", "Revision", "four"),
        ("prod", "shop", "App", "shop"),
        ("prod", "shop", "Image", None),
        ("prod", "other", "Revision", None),
        ("staging", "cart", "Revision", None),
        ("prod", "[s]hop", "Revision", None),
    ],
)
def test_the_last_trailer_is_that_of_the_app_in_its_environment(
    origin: Origin,
    released: OpsRepository,
    environment: str,
    app: str,
    key: str,
    value: str | None,
) -> None:
    assert released.last_trailer(origin.tip(), environment, app, key) == value


def test_the_last_trailer_is_looked_for_from_the_commit_given(released: OpsRepository) -> None:
    assert released.last_trailer("main~4", "prod", "shop", "Revision") == "one"


@pytest.mark.parametrize(
    "message",
    [
        release("shop-admin", "prod", "other"),
        release("shop", "prod-eu", "other"),
        release("shop", "prod", "other").replace("App:", "My-App:"),
        "Clean up\n\nThis follows\nApp: shop\nEnvironment: prod\nof last week.\n\nAda\n",
    ],
    ids=["a longer app", "a longer environment", "a longer key", "prose"],
)
def test_a_commit_of_something_else_is_not_taken_for_a_release_of_the_app(
    origin: Origin, released: OpsRepository, message: str
) -> None:
    tip = origin.commit({}, message)
    released.fetch("prod", "shop")
    assert released.last_trailer(tip, "prod", "shop", "Revision") == "two"


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("web_url", "link"),
    [
        (None, "`0123456`"),
        ("https://git.example.org/c/{commit}", f"[`0123456`](https://git.example.org/c/{COMMIT})"),
    ],
)
def test_a_commit_is_a_link_where_there_is_an_address(web_url: str | None, link: str) -> None:
    assert OpsRepository(url="file:///srv/ops.git", web_url=web_url).link(COMMIT) == link


def wanted(**files: bytes) -> Wanted:
    return Wanted(commit=COMMIT, folder="prod/shop", files=files)


def test_equal_files_have_equal_fingerprints_whatever_the_commit() -> None:
    other = Wanted(commit="f" * 40, folder="staging/shop", files={"b": b"2", "a": b"1"})
    assert wanted(a=b"1", b=b"2").fingerprint == other.fingerprint


@pytest.mark.parametrize("files", [{}, {"a": b"2"}, {"b": b"1"}, {"a": b"1", "b": b""}, {"a": b""}])
def test_files_that_differ_have_another_fingerprint(files: dict[str, bytes]) -> None:
    assert wanted(**files).fingerprint != wanted(a=b"1").fingerprint


def test_a_password_in_the_url_is_refused() -> None:
    with pytest.raises(ValidationError, match="put it into the password field"):
        OpsRepository(url="https://pusher:hunter2@git.example.org/ops")


def test_the_password_of_the_block_is_not_shown() -> None:
    ops = OpsRepository(url="https://git.example.org/ops", username="u", password="hunter2")
    assert "hunter2" not in f"{ops!r} {ops} {ops.model_dump_json()}"
