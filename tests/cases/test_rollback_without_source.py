"""A way back without the app's repository.

Each input is a reason for which the commit to go back to cannot be had: image and revision stand
in the ops repository, and nobody is asked for more.
"""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shipway.release import Cause, Release
from shipway.rollout.commit import commit_release
from shipway.strategies.step import first_with_edits
from tests.support.blue_green_environment import BlueGreenEnvironment
from tests.support.origin import Origin
from tests.support.people import Merger
from tests.support.rolling_environment import RollingEnvironment, image
from tests.support.run_contexts import run_context

SOON_SECONDS = 15


@pytest.fixture
def app(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "app")


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/app.git"


def gone(app: Origin) -> None:
    shutil.rmtree(app.path)


def deleted_branches(app: Origin) -> None:
    for name in app.bare.git.for_each_ref("--format=%(refname)").split():
        app.bare.git.update_ref("-d", name)
    app.bare.git.reflog("expire", "--expire=now", "--all")
    app.bare.git.gc("--quiet", "--prune=now")


def rewritten(app: Origin) -> None:
    deleted_branches(app)
    app.work.checkout("--quiet", "--orphan", "main")
    app.commit({"app.py": b"another history"})


def emptied(app: Origin) -> None:
    gone(app)
    app.bare.git.init("--quiet", "--bare", str(app.path))


def no_repository(app: Origin) -> None:
    gone(app)
    app.path.write_text("no repository")


def damaged(app: Origin) -> None:
    shutil.rmtree(app.path / "objects")


def forget(tmp_path: Path) -> None:
    """The worker has another disk: no cache of the app's repository is left."""
    shutil.rmtree(tmp_path / "state" / "work" / "source", ignore_errors=True)


FAULTS = [gone, deleted_branches, rewritten, emptied, no_repository, damaged]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("record", [True, False], ids=["with a record", "trailers alone"])
def test_a_rollback_asks_nobody_for_the_commit(
    origin: Origin,
    app: Origin,
    tmp_path: Path,
    fault: Callable[[Origin], None],
    *,
    record: bool,
) -> None:
    shop = RollingEnvironment(origin, app)
    for number, revision in enumerate((shop.older, shop.newer), 1):
        shop.run = run_context(number)
        shop.release(revision, image(number))
        if not record:
            message = str(origin.bare.git.log("-1", "--format=%B", "main"))
            Merger(origin).squash(message, without="prod/shop/RELEASE")
    fault(app)
    forget(tmp_path)
    shop.run = run_context(3)
    target = shop.roll_back(shop.older.short).target
    assert (target.image, target.revision.commit) == (image(1), shop.older.commit)
    assert target.revision.at == shop.older.at
    if record:
        assert target.revision == shop.older
    shop.run = run_context(4, lambda _: True)
    assert shop.roll_back().target.in_progress


def test_a_rollback_does_not_wait_for_a_server_that_is_silent(
    origin: Origin, app: Origin, tmp_path: Path, silent: str
) -> None:
    shop = RollingEnvironment(origin, app)
    for number, revision in enumerate((shop.older, shop.newer), 1):
        shop.run = run_context(number)
        shop.release(revision, image(number))
    shop.source = shop.source.model_copy(update={"url": silent})
    shop.run = run_context(3)
    begin = time.monotonic()
    assert shop.roll_back().target.revision == shop.older
    assert time.monotonic() - begin < SOON_SECONDS


@pytest.mark.parametrize("fault", FAULTS)
def test_every_step_of_the_way_back_goes_without(
    origin: Origin, app: Origin, tmp_path: Path, fault: Callable[[Origin], None]
) -> None:
    # As a rollout goes back by itself: the rollback's first commit, then the steps of its release.
    shop = BlueGreenEnvironment(origin, app)
    shop.release(1)
    shop.run = run_context(2)
    shop.release(2)
    shop.run = run_context(3)
    fault(app)
    forget(tmp_path)
    release: Release = shop.roll_back("5xx", "shipway").target.release
    assert release.cause == Cause(rollback_from=shop.revisions[1].commit)
    while (step := first_with_edits(shop.target().plan(image(1), rollback=True))).edits:
        commit_release(shop.ops, shop.source, shop.target(), step, release, {}, shop.run)
    assert shop.says()[0] == "blue"
