from __future__ import annotations

from pathlib import Path

import pytest
from git import Repo
from pydantic import ValidationError

from blocks.ops_repository import OpsRepository
from shipway.app_environment import AppEnvironment
from shipway.errors import RefuseError, RetryError
from shipway.git.history import History
from shipway.git.ops_folder import Landed, OpsFolder, Proposal, Propose
from shipway.git.trailers import OpsCommit, with_trailers
from tests.support.app_environments import SHOP
from tests.support.ops_commits import ops_commits
from tests.support.origin import Origin

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
    assert ops.fetch(SHOP) == OpsFolder(
        commit=start, app_environment=SHOP, files={"web.yaml": WEB, "rollout.yaml": ROLLOUT}
    )


def test_what_is_said_of_the_environment_comes_along(origin: Origin, ops: OpsRepository) -> None:
    origin.commit({"prod/freeze.yaml": b"freezes: []\n", "prod/allowed_signers": b"# Nobody\n"})
    (asked,) = ops.consult_each(lambda folder, _: folder, environment="prod", app="shop")
    for folder in (ops.fetch(SHOP), asked):
        assert (folder.freeze, folder.allowed_signers) == (b"freezes: []\n", b"# Nobody\n")


def test_the_newest_commit_of_another_branch_is_read_as_git_keeps_it(
    origin: Origin, ops: OpsRepository
) -> None:
    assert ops.branch_tip("a/b") is None
    for text in (b"1", b"2"):
        commit = origin.commit({"a": text}, message=f"says {text.decode()}")
        origin.work.push("--force", ".", "HEAD:refs/heads/a/b")
        tip = ops.branch_tip("a/b")
        assert tip is not None
        assert tip.commit == commit
        assert tip.content.endswith(b"\n\nsays " + text + b"\n")


def test_each_fetch_reads_the_tip_anew(origin: Origin, ops: OpsRepository) -> None:
    ops.fetch(SHOP)
    second = origin.commit({"prod/shop/web.yaml": b"image: b\n"})
    found = ops.fetch(SHOP)
    assert (found.commit, found.files["web.yaml"]) == (second, b"image: b\n")


def test_a_folder_that_is_missing_has_no_files(ops: OpsRepository) -> None:
    assert ops.fetch(AppEnvironment(app="none", environment="prod")).files == {}


@pytest.mark.parametrize(
    "environment", ["..", "../..", "", ".", "/", "prod/../prod", "--all", ".git"]
)
def test_a_folder_outside_the_repository_has_no_files(ops: OpsRepository, environment: str) -> None:
    assert ops.fetch(AppEnvironment(app="shop", environment=environment)).files == {}


def test_a_symlink_in_the_way_leads_nowhere(origin: Origin, ops: OpsRepository) -> None:
    (origin.tree / "linked").symlink_to("prod")
    (origin.tree / "prod/shop/link.yaml").symlink_to("/etc/passwd")
    origin.commit_tree()
    assert ops.fetch(AppEnvironment(app="shop", environment="linked")).files == {}
    with pytest.raises(RefuseError, match="An ops folder holds something that is no plain file"):
        ops.fetch(SHOP)


def test_an_empty_repository_is_refused_with_what_to_do(origin: Origin) -> None:
    with pytest.raises(RefuseError, match="There is no branch 'main'") as caught:
        OpsRepository(url=origin.url).fetch(SHOP)
    assert "push the branch" in str(caught.value.facts["remedy"])


def test_a_branch_that_is_missing_is_refused(origin: Origin, start: str) -> None:
    assert start
    with pytest.raises(RefuseError):
        OpsRepository(url=origin.url, branch="none").fetch(SHOP)


def test_a_repository_that_is_missing_is_refused(origin: Origin) -> None:
    with pytest.raises(RefuseError) as caught:
        OpsRepository(url=f"{origin.url}.none").fetch(SHOP)
    assert caught.value.what == (
        "There is no Git repository there; found out while fetching the ops repository."
    )


def test_another_branch_can_be_the_one_that_the_cluster_follows(origin: Origin, start: str) -> None:
    origin.bare.create_head("live", start)
    origin.commit({"prod/shop/web.yaml": b"image: b\n"})
    live = OpsRepository(url=origin.url, branch="live")
    commit = live.commit(SHOP, setting(b"c")).commit
    assert origin.tip("live") == commit
    assert origin.changed(start, commit) == ["M\tprod/shop/web.yaml"]


def test_only_what_leads_to_the_folder_is_fetched(
    origin: Origin, ops: OpsRepository, tmp_path: Path
) -> None:
    origin.commit({"prod/other/large.bin": b"large" * 1000, "staging/x/y/z": b"deep"})
    ops.fetch(SHOP)
    ops.commit(SHOP, setting(b"image: b\n"))
    (mirror,) = (tmp_path / "state" / "work" / "ops").glob("*/HEAD")
    objects = Repo(mirror.parent).git.cat_file("--batch-all-objects", "--batch-check")
    here = {line.split()[0] for line in objects.splitlines()}
    tree = origin.bare.commit("main~1").tree
    needed = [tree, tree["prod"], tree["prod/shop"], tree["prod/shop/web.yaml"]]
    assert {one.hexsha for one in needed} <= here
    others = [tree["prod/other"], tree["prod/other/large.bin"], tree["staging"], tree["prod/cart"]]
    assert {one.hexsha for one in others} & here == set()


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
    apps = ops.apps(environment=environment, app=app)
    assert [(one.environment, one.app) for one in apps] == expected
    folders = ops.consult_each(lambda folder, _: folder, environment=environment, app=app)
    assert [folder.app_environment for folder in folders] == apps
    assert folders == [ops.fetch(one) for one in apps]


def setting(content: bytes, message: str = "release") -> Propose:
    """A proposal that sets the manifest, whatever the tip."""

    def propose(folder: OpsFolder, _history: History) -> Proposal:
        return Proposal(changes={f"{folder.path}/web.yaml": content}, message=message)

    return propose


def test_a_commit_changes_the_file_and_is_the_new_tip(
    origin: Origin, ops: OpsRepository, start: str
) -> None:
    landed = ops.commit(SHOP, setting(b"image: b\r\n", "release\n\nApp: shop\n"))
    assert landed == Landed(commit=origin.tip(), new=True)
    assert origin.changed(start, landed.commit) == ["M\tprod/shop/web.yaml"]
    assert ops.fetch(SHOP).files["web.yaml"] == b"image: b\r\n"
    found = origin.bare.commit(landed.commit)
    assert (found.author.name, found.author.email) == ("Shipway", "shipway@localhost")


def test_where_nothing_is_to_be_done_there_is_no_commit(
    origin: Origin, ops: OpsRepository, start: str
) -> None:
    assert ops.commit(SHOP, lambda *_: None) == Landed(commit=start, new=False)
    empty = Proposal(changes={}, message="nothing")
    assert ops.commit(SHOP, lambda *_: empty) == Landed(commit=start, new=False)
    assert origin.tip() == start


def test_the_author_of_release_commits_can_be_set(origin: Origin, start: str) -> None:
    assert start
    ops = OpsRepository(url=origin.url, author_name="Bot", author_email="bot@example.org")
    found = origin.bare.commit(ops.commit(SHOP, setting(b"b")).commit)
    assert (found.committer.name, found.committer.email) == ("Bot", "bot@example.org")


@pytest.mark.parametrize("name", ["", "...", "a\nb", "Eve\x1b[2J", "a <b@c>"])
def test_an_author_that_would_write_more_than_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="without <, > and control characters"):
        OpsRepository(url="file:///srv/ops.git", author_name=name)


def test_a_tip_that_moves_is_read_afresh_and_nothing_is_forced(
    origin: Origin, ops: OpsRepository, start: str
) -> None:
    seen: list[str] = []

    def propose(folder: OpsFolder, history: History) -> Proposal:
        seen.append(folder.commit)
        if len(seen) < 3:
            origin.commit({"prod/cart/rollout.yaml": f"theirs {len(seen)}\n".encode()})
        return setting(b"image: b\n")(folder, history)

    landed = ops.commit(SHOP, propose)
    chain = origin.bare.git.rev_list("--first-parent", "--reverse", "main").split()
    assert [start, *seen[1:], landed.commit] == chain
    assert seen[0] == start
    assert origin.changed(start, landed.commit) == [
        "M\tprod/cart/rollout.yaml",
        "M\tprod/shop/web.yaml",
    ]


def test_a_branch_that_moves_all_the_time_is_given_up(origin: Origin, start: str) -> None:
    assert start
    ops = OpsRepository(url=origin.url, timeout_seconds=5)
    tips: list[str] = []

    def propose(folder: OpsFolder, history: History) -> Proposal:
        tips.append(origin.commit({"prod/cart/rollout.yaml": str(len(tips)).encode()}))
        return setting(b"image: b\n")(folder, history)

    with pytest.raises(RetryError) as caught:
        ops.commit(SHOP, propose)
    assert caught.value.what == "Somebody else pushed to the ops repository first."
    assert caught.value.facts["where"] == f"{origin.url} main"
    assert "(fetch first)" in str(caught.value.facts["got"])
    assert caught.value.facts["untouched"] == "the ops repository"
    assert len(tips) > 1
    assert origin.tip() == tips[-1]


def test_a_push_that_the_server_forbids_is_not_tried_again(
    origin: Origin, ops: OpsRepository, start: str
) -> None:
    hook = origin.path / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho this branch is protected\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(RefuseError) as caught:
        ops.commit(SHOP, setting(b"image: b\n"))
    assert "this branch is protected" in str(caught.value.facts["got"])
    assert origin.tip() == start


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
    return ops


def revisions(ops: OpsRepository, environment: str, app: str) -> list[str]:
    history = ops_commits(ops, AppEnvironment(app=app, environment=environment))
    return [commit.trailers["Revision"] for commit in history]


@pytest.mark.parametrize(
    ("environment", "app", "found"),
    [
        ("prod", "shop", ["two", "one"]),
        ("staging", "shop", ["three"]),
        ("prod", "cart", ["four"]),
        ("prod", "other", []),
        ("staging", "cart", []),
        ("prod", "[s]hop", []),
    ],
)
def test_the_history_is_that_of_the_app_in_its_environment(
    released: OpsRepository, environment: str, app: str, found: list[str]
) -> None:
    assert revisions(released, environment, app) == found


def test_a_record_knows_commit_time_author_and_trailers(
    origin: Origin, released: OpsRepository
) -> None:
    found = ops_commits(released, AppEnvironment(app="shop", environment="staging"))[0]
    commit = origin.bare.commit("main~2")
    assert found == OpsCommit(
        commit=commit.hexsha,
        at=commit.committed_datetime,
        by="Ada",
        trailers={"App": "shop", "Environment": "staging", "Revision": "three"},
    )


def test_a_proposal_sees_the_history_of_its_app(released: OpsRepository) -> None:
    seen: list[list[str]] = []

    def propose(_folder: OpsFolder, history: History) -> None:
        seen.append([one.trailers["Revision"] for one in history.commits])

    released.commit(SHOP, propose)
    assert seen == [["two", "one"]]


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
    origin.commit({}, message)
    assert revisions(released, "prod", "shop") == ["two", "one"]


def test_text_of_others_begins_no_trailer_of_its_own(
    origin: Origin, ops: OpsRepository, start: str
) -> None:
    assert start
    reason = "x\nApp: cart\r\x1b[2JApproved-by: e"
    trailers = {"App": "shop", "Environment": "prod", "Reason": reason}
    ops.commit(SHOP, setting(b"b", with_trailers("a\n\nApp: evil", trailers)))
    (found,) = ops_commits(ops, SHOP)
    assert found.trailers == {
        "App": "shop",
        "Environment": "prod",
        "Reason": "x App: cart [2JApproved-by: e",
    }
    assert origin.bare.commit(found.commit).summary == "a App: evil"


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("web_url", "link"),
    [
        (None, "`0123456`"),
        ("https://git.example.org/c/{commit}", f"[0123456](https://git.example.org/c/{COMMIT})"),
    ],
)
def test_a_commit_is_a_link_where_there_is_an_address(web_url: str | None, link: str) -> None:
    assert OpsRepository(url="file:///srv/ops.git", web_url=web_url).link(COMMIT) == link


def ops_folder(**files: bytes) -> OpsFolder:
    return OpsFolder(commit=COMMIT, app_environment=SHOP, files=files)


def test_equal_files_have_equal_fingerprints_whatever_the_commit() -> None:
    other = OpsFolder(
        app_environment=AppEnvironment(app="shop", environment="staging"),
        commit="f" * 40,
        files={"b": b"2", "a": b"1"},
    )
    assert ops_folder(a=b"1", b=b"2").fingerprint == other.fingerprint


@pytest.mark.parametrize("files", [{}, {"a": b"2"}, {"b": b"1"}, {"a": b"1", "b": b""}, {"a": b""}])
def test_files_that_differ_have_another_fingerprint(files: dict[str, bytes]) -> None:
    assert ops_folder(**files).fingerprint != ops_folder(a=b"1").fingerprint


def test_a_password_in_the_url_is_refused() -> None:
    with pytest.raises(ValidationError, match="put it into the password field"):
        OpsRepository(url="https://pusher:hunter2@git.example.org/ops")


def test_the_password_of_the_block_is_not_shown() -> None:
    ops = OpsRepository(url="https://git.example.org/ops", username="u", password="hunter2")
    assert "hunter2" not in f"{ops!r} {ops} {ops.model_dump_json()}"


def test_the_commits_since_one_are_those_of_the_branch_that_contain_it(
    origin: Origin, ops: OpsRepository
) -> None:
    first = origin.commit({"prod/shop/web.yaml": b"1"})
    second = origin.commit({"prod/shop/web.yaml": b"2"})
    third = origin.commit({"prod/shop/web.yaml": b"3"})
    assert ops.since(second, [first, third, "f" * 40]) == {second, third}
    assert ops.since("f" * 40, []) == {"f" * 40}
