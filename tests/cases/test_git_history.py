"""Servers whose history or objects are not all there.

Each input is a server that cannot give, or does not give, what is asked of a whole one: it is read
without filters, or refused in clear words, and Git never starts itself again and again.
"""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from shipway.app_environment import AppEnvironment
from shipway.errors import RefuseError, ShipwayError
from shipway.git import access, cache
from shipway.git import command as command_module
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.source_repository import SourceRepository
from shipway.git.trailers import with_trailers
from tests.support.ops_commits import ops_commits
from tests.support.origin import Origin

SHOP = AppEnvironment(environment="prod", app="shop")
CART = AppEnvironment(environment="prod", app="cart")
TRAILERS = {"App": "shop", "Environment": "prod"}
COMMITS = 4


@pytest.fixture(autouse=True)
def few_commands(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is asked of the repository takes a few commands and a few seconds."""
    counts, start, begin = list[bytes](), command_module.Popen, time.monotonic()

    def counted(words: list[bytes], **options: Any) -> Popen[bytes]:
        counts.append(words[1])
        return start(words, **options)

    monkeypatch.setattr(command_module, "Popen", counted)
    yield
    assert len(counts) < 120
    assert time.monotonic() - begin < 60


@pytest.fixture
def full(origin: Origin) -> Origin:
    """A repository with a few releases."""
    for number in range(COMMITS):
        files = {"prod/shop/rollout.yaml": b"a: 1\n", "prod/shop/web.yaml": f"{number}\n".encode()}
        origin.commit(files, with_trailers(f"release {number}", TRAILERS))
    return origin


def setting(content: bytes) -> Callable[[OpsFolder, History], Proposal | None]:
    """A proposal that sets the manifest."""

    def propose(there: OpsFolder, _history: History) -> Proposal | None:
        if there.files["web.yaml"] == content:
            return None
        changes = {f"{there.path}/web.yaml": content}
        return Proposal(changes=changes, message=with_trailers("next", TRAILERS))

    return propose


def shallow(origin: Origin, depth: int, *, filters: bool = True) -> str:
    """A copy of the repository that has the newest commits only; its URL."""
    path = origin.path.with_name("shallow.git")
    origin.bare.git.clone("--quiet", "--bare", f"--depth={depth}", origin.url, str(path))
    Origin.git(path, "config", "uploadpack.allowFilter", str(filters).lower())
    return f"file://{path}"


def unshallow(url: str) -> None:
    Origin.git(Path(url.removeprefix("file://")), "fetch", "--quiet", "--unshallow")


def check_shallow(ops: OpsRepository) -> None:
    """The tip is read; what needs the history is refused."""
    assert ops.fetch(SHOP).files == {"rollout.yaml": b"a: 1\n", "web.yaml": b"3\n"}
    assert ops.apps() == [SHOP]
    tip = ops.fetch(SHOP).commit
    assert ops.export(tip, ["prod/shop"]).keys() == {
        "prod/shop/rollout.yaml",
        "prod/shop/web.yaml",
    }
    for work in (
        partial(ops_commits, ops, SHOP),
        partial(ops.commit, SHOP, setting(b"new\n")),
    ):
        with pytest.raises(RefuseError) as caught:
            work()
        assert str(caught.value) == (
            "The ops repository is shallow: what ran before cannot be known.\n"
            f"  where:     {ops.url}\n"
            "  expected:  its whole history\n"
            "  got:       a repository that was cloned with --depth\n"
            "  untouched: the ops repository and the cluster\n"
            "  remedy:    run `git fetch --unshallow` in it, or point the block at the origin"
        )
    assert ops.fetch(SHOP).commit == tip


@pytest.mark.parametrize("filters", [True, False], ids=["filters", "no filters"])
@pytest.mark.parametrize("depth", [1, 2, COMMITS - 1])
def test_of_a_shallow_repository_the_tip_is_read_and_nothing_is_released(
    full: Origin, depth: int, *, filters: bool
) -> None:
    check_shallow(OpsRepository(url=shallow(full, depth, filters=filters)))


def test_a_shallow_repository_by_an_old_protocol(
    full: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(access.SETTINGS, "protocol.version", "0")
    check_shallow(OpsRepository(url=shallow(full, 1)))


def test_a_repository_that_is_whole_again_is_released_to(full: Origin) -> None:
    ops = OpsRepository(url=shallow(full, 2))
    check_shallow(ops)
    unshallow(ops.url)
    assert len(ops_commits(ops, SHOP)) == COMMITS
    assert ops.commit(SHOP, setting(b"new\n")).new


def test_a_source_repository_that_is_whole_again_tells_what_is_newer(full: Origin) -> None:
    source = SourceRepository(url=shallow(full, 2))
    first, last = (str(full.bare.git.rev_parse(name)) for name in ("main~3", "main"))
    assert source.resolve("main").commit == last
    with pytest.raises(RefuseError, match="The source repository is shallow"):
        source.is_ancestor(first, last)
    unshallow(source.url)
    assert source.is_ancestor(first, last)
    assert not source.is_ancestor(last, first)


def test_a_repository_that_becomes_shallow_is_refused_from_then_on(full: Origin) -> None:
    ops = OpsRepository(url=full.url)
    ops.fetch(SHOP)
    url = shallow(full, 1)
    full.path.rename(full.path.with_name("whole.git"))
    Path(url.removeprefix("file://")).rename(full.path)
    # What the cache holds already is history enough, as long as it is all there.
    assert len(ops_commits(ops, SHOP)) == COMMITS
    fresh = OpsRepository(url=f"file:///{full.path}")
    check_shallow(fresh)


@pytest.mark.parametrize(
    "settings",
    [
        {"uploadpack.allowFilter": "false"},
        {"uploadpackfilter.allow": "false"},
        {"uploadpackfilter.tree.allow": "false"},
        {"uploadpackfilter.tree.maxDepth": "0", "uploadpack.allowRefInWant": "true"},
        {"uploadpack.hideRefs": "refs/pull"},
    ],
    ids=lambda settings: ",".join(settings),
)
@pytest.mark.parametrize("protocol", ["0", "1", "2"])
def test_a_server_without_filters_or_a_choice_of_objects_is_read_whole(
    full: Origin, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], protocol: str
) -> None:
    # By the old protocols, a server gives only what its branches point to.
    monkeypatch.setitem(access.SETTINGS, "protocol.version", protocol)
    for name, value in settings.items():
        full.bare.git.config(name, value)
    ops = OpsRepository(url=full.url)
    assert ops.fetch(SHOP).files["web.yaml"] == b"3\n"
    landed = ops.commit(SHOP, setting(b"new\n"))
    assert full.tip() == landed.commit
    assert ops.fetch(SHOP).files["web.yaml"] == b"new\n"
    theirs = full.commit({"prod/cart/rollout.yaml": b"b\n"})
    assert ops.fetch(CART).files == {"rollout.yaml": b"b\n"}
    assert ops.fetch(CART).commit == theirs


@pytest.fixture
def static(full: Origin) -> Iterator[str]:
    """A server of files, which knows nothing of Git."""
    full.bare.git.update_server_info()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(full.path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_of_plain_files_is_read_whole(static: str) -> None:
    ops = OpsRepository(url=static)
    assert ops.fetch(SHOP).files["web.yaml"] == b"3\n"
    assert len(ops_commits(ops, SHOP)) == COMMITS


def test_a_partial_clone_for_an_origin_is_an_error_that_git_explains(full: Origin) -> None:
    path = full.path.with_name("partial.git")
    full.bare.git.clone("--quiet", "--bare", "--filter=tree:0", full.url, str(path))
    with pytest.raises(ShipwayError, match="Git"):
        OpsRepository(url=f"file://{path}", timeout_seconds=20).fetch(SHOP)


@pytest.mark.parametrize("lost", ["main~1", "main", "main^{tree}", "main:prod", "main:prod/shop"])
def test_a_server_that_lost_objects_is_an_error_that_git_explains(full: Origin, lost: str) -> None:
    oid = str(full.bare.git.rev_parse(lost))
    (full.path / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(ShipwayError, match="Git"):
        OpsRepository(url=full.url, timeout_seconds=20).fetch(SHOP)


@pytest.mark.parametrize(
    ("version", "filters"),
    [
        ("git version 2.39.5", True),
        ("git version 2.39.3", False),
        ("git version 2.43.0", False),
        ("git version 2.43.7 (Apple Git-168)", True),
        ("git version 2.45", True),
        ("git version 2.52.0.rc1.windows.1", True),
        ("git version 3.0.0", True),
        ("git version 2.30.2", False),
        ("something else", False),
    ],
)
def test_a_git_that_cannot_leave_objects_missing_fetches_all(
    full: Origin, monkeypatch: pytest.MonkeyPatch, version: str, *, filters: bool
) -> None:
    run_git = cache.run_git

    def other(git: Any, *command: str, **options: Any) -> bytes:
        return version.encode() if command == ("version",) else run_git(git, *command, **options)

    monkeypatch.setattr(cache, "run_git", other)
    monkeypatch.setattr(cache, "_can_do_without_objects", cache._can_do_without_objects.__wrapped__)
    if not filters:
        # As it is with such a Git.
        monkeypatch.delitem(command_module._SET, "GIT_NO_LAZY_FETCH")
    assert cache.has_filters(full.path) == filters
    ops = OpsRepository(url=full.url)
    assert ops.commit(SHOP, setting(b"new\n")).new
    if not filters:
        with pytest.raises(RefuseError, match="shallow"):
            ops_commits(OpsRepository(url=shallow(full, 1), timeout_seconds=10), SHOP)
