from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, temporary_settings

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from flows.runtime.run_link import this_run
from flows.tasks.rollback import commit as rollback_commit
from flows.tasks.rollback.clear_hold import clear
from flows.tasks.rollback.commit import go_back
from flows.tasks.rollout.commit import release as commit_release
from shipway.config.holds import read_holds
from shipway.errors import RefuseError
from shipway.git.ops_folder import Landed
from shipway.git.revision import Revision
from shipway.release import Cause
from shipway.rollback.target import RollbackTarget
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import Step
from tests.support.origin import Origin

ROLLOUT = b"""\
strategy: rolling
namespace: shop
images:
- {file: web.yaml, container: web}
- {file: web.yaml, container: migrate}
"""
WEB = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  template:
    spec:
      initContainers:
      - {name: migrate, image: "shop:0"}  # first
      containers:
      - name: web
        image: shop:0   # then
"""
RUN = "00000000-0000-0000-0000-000000000001"


def image(digit: int) -> str:
    return f"registry.example.org/shop@sha256:{str(digit) * 64}"


class Release:
    """An app repository with two revisions, and an ops repository that has never seen a release."""

    def __init__(self, ops: Origin, app: Origin) -> None:
        files = {
            "prod/shop/rollout.yaml": ROLLOUT,
            "prod/shop/web.yaml": WEB,
            "prod/cart/web.yaml": WEB,
        }
        self.start = ops.commit(files)
        self.origin = ops
        self.ops = OpsRepository(url=ops.url)
        self.source = SourceRepository(url=app.url)
        commits = [app.commit({"app.py": text}) for text in (b"1", b"2")]
        self.older, self.newer = (self.source.resolve(commit) for commit in commits)
        app.work.checkout("--quiet", "-b", "side", commits[0])
        app.commit({"app.py": b"3"})
        app.work.push(".", "HEAD:refs/heads/side")
        self.beside = self.source.resolve("side")

    def target(self) -> Target:
        return target_of(self.ops.fetch("prod", "shop"), "shop", "prod")

    def step(self, wanted: str) -> Step:
        (step,) = self.target().plan(wanted)
        return step

    def run(self, revision: Revision, wanted: str, *, downgrade: bool = False) -> Landed:
        step, target = self.step(wanted), self.target()
        cause = Cause(downgrade=downgrade)
        made = commit_release(self.ops, self.source, target, step, revision, wanted, cause, {})
        return Landed(commit=made.commit, new=made.new)

    def back(self, to: str | None = None) -> tuple[RollbackTarget, Landed]:
        return go_back(self.ops, self.source, self.target(), to, "it fails", "Ada")

    def holds(self) -> list[str]:
        files = self.ops.fetch("prod", "shop").files
        return [hold.revision for hold in read_holds(files.get("holds.yaml")).holds]

    def web(self) -> bytes:
        return self.ops.fetch("prod", "shop").files["web.yaml"]


@pytest.fixture
def release(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Release]:
    runs(monkeypatch, 1)
    with temporary_settings({PREFECT_UI_URL: "https://prefect.example.org"}):
        yield Release(origin, Origin(tmp_path / "app"))


def runs(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Make what follows part of another flow run; those before it came to their end."""
    monkeypatch.setattr(rollback_commit, "was_interrupted", lambda run: False)
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ROOT_FLOW_RUN_ID", RUN[:-1] + str(number))


def test_a_release_is_one_commit_that_changes_the_images_alone(release: Release) -> None:
    found = release.run(release.newer, image(1))
    assert found == Landed(commit=release.origin.tip(), new=True)
    assert release.origin.changed(release.start, found.commit) == ["M\tprod/shop/web.yaml"]
    assert release.web() == WEB.replace(b"shop:0", image(1).encode())


def test_the_trailers_of_the_commit_are_the_release_history(release: Release) -> None:
    commit = release.run(release.newer, image(1)).commit
    revision = release.newer.commit
    assert release.origin.bare.git.log("-1", "--format=%s%n%(trailers)", commit).rstrip() == (
        f"shop {revision[:7]} → prod\n"
        f"Release: shop/prod/{revision[:12]}\n"
        "App: shop\n"
        "Environment: prod\n"
        f"Revision: {revision}\n"
        f"Revision-Date: {release.newer.at.isoformat()}\n"
        f"Image: {image(1)}\n"
        "Step: 1/1 rolling\n"
        f"Run: https://prefect.example.org/runs/flow-run/{RUN}"
    )


def test_without_an_address_the_run_stands_as_its_id(release: Release) -> None:
    with temporary_settings(restore_defaults={PREFECT_UI_URL, PREFECT_API_URL}):
        assert this_run() == RUN


def test_the_same_release_again_is_no_commit(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = release.run(release.newer, image(1))
    runs(monkeypatch, 2)
    again = release.run(release.newer, image(1))
    assert again == Landed(commit=first.commit, new=False)
    assert release.origin.tip() == first.commit


def test_a_run_that_died_after_its_push_finds_its_own_commit(release: Release) -> None:
    first = release.run(release.newer, image(1))
    assert release.run(release.newer, image(1)) == Landed(commit=first.commit, new=True)
    assert release.origin.tip() == first.commit


def test_a_newer_revision_follows_an_older_one(release: Release) -> None:
    release.run(release.older, image(1))
    assert release.run(release.newer, image(2)).new
    assert release.web() == WEB.replace(b"shop:0", image(2).encode())


@pytest.mark.parametrize("which", ["older", "beside"])
def test_a_revision_that_lacks_the_recorded_one_is_fenced_off(release: Release, which: str) -> None:
    tip = release.run(release.newer, image(1)).commit
    at = release.origin.bare.commit(tip).committed_datetime
    revision = getattr(release, which)
    with pytest.raises(RefuseError) as caught:
        release.run(revision, image(2))
    assert str(caught.value) == (
        "The environment already has a revision that this one does not contain.\n"
        f"  where:     prod/shop at {tip[:7]}\n"
        f"  expected:  a revision that contains {release.newer.commit}\n"
        f"  got:       {revision.commit}\n"
        f"             {release.newer.short} won, at {at.isoformat()}: "
        f"https://prefect.example.org/runs/flow-run/{RUN}\n"
        "  untouched: the ops repository and the cluster\n"
        "  remedy:    release a revision that contains it; or say `downgrade` to go back on "
        "purpose; or set `order: any` in rollout.yaml where releases come from several branches"
    )
    assert release.origin.tip() == tip


def test_an_older_revision_is_fenced_off_even_where_there_is_nothing_to_change(
    release: Release,
) -> None:
    release.run(release.newer, image(1))
    with pytest.raises(RefuseError, match="already has a revision"):
        release.run(release.older, image(1))


def trailer(release: Release, commit: str, key: str) -> list[str]:
    return release.origin.bare.commit(commit).trailers_dict.get(key, [])


@pytest.mark.parametrize("which", ["older", "beside"])
def test_a_downgrade_on_purpose_is_let_through_and_marked(release: Release, which: str) -> None:
    first = release.run(release.newer, image(1))
    found = release.run(getattr(release, which), image(2), downgrade=True)
    assert trailer(release, found.commit, "Downgrade-From") == [release.newer.commit]
    assert trailer(release, first.commit, "Downgrade-From") == []


def test_where_any_order_goes_an_unrelated_revision_is_let_through_and_marked(
    release: Release,
) -> None:
    release.origin.commit({"prod/shop/rollout.yaml": ROLLOUT + b"order: any\n"})
    release.run(release.newer, image(1))
    found = release.run(release.beside, image(2))
    assert trailer(release, found.commit, "Downgrade-From") == [release.newer.commit]


def test_a_release_edits_the_tip_as_it_is_now_and_not_as_it_was_read(release: Release) -> None:
    target, step = release.target(), release.step(image(1))
    by_hand = WEB.replace(b"# then", b"# by hand")
    theirs = release.origin.commit({"prod/shop/web.yaml": by_hand})
    found = commit_release(
        release.ops, release.source, target, step, release.newer, image(1), Cause(), {}
    )
    assert release.origin.bare.commit(found.commit).parents[0].hexsha == theirs
    assert release.web() == by_hand.replace(b"shop:0", image(1).encode())


def test_a_rollback_is_one_commit_with_the_earlier_bytes_and_a_hold(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    release.run(release.older, image(1))
    before = release.web()
    tip = release.run(release.newer, image(2)).commit
    runs(monkeypatch, 2)
    goal, landed = release.back()
    assert goal == RollbackTarget(
        revision=release.older, image=image(1), bad=release.newer.commit, held=image(2)
    )
    assert landed.new
    assert release.web() == before
    assert release.origin.changed(tip, landed.commit) == [
        "A\tprod/shop/holds.yaml",
        "M\tprod/shop/web.yaml",
    ]
    found = read_holds(release.ops.fetch("prod", "shop").files["holds.yaml"]).holds
    assert [(one.image, one.revision, one.reason, one.by) for one in found] == [
        (image(2), release.newer.commit, "it fails", "Ada")
    ]
    for key, value in (
        ("Rollback-From", release.newer.commit),
        ("Revision", release.older.commit),
        ("Image", image(1)),
        ("Held", image(2)),
        ("Reason", "it fails"),
        ("By", "Ada"),
    ):
        assert trailer(release, landed.commit, key) == [value]


def test_what_was_rolled_back_is_refused_until_its_hold_is_cleared(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    release.run(release.older, image(1))
    release.run(release.newer, image(2))
    runs(monkeypatch, 2)
    tip = release.back()[1].commit
    with pytest.raises(
        RefuseError, match="This image was rolled back here and is on hold"
    ) as caught:
        release.run(release.newer, image(2))
    assert "held by Ada at " in str(caught.value.facts["got"])
    with pytest.raises(RefuseError, match="on hold"):
        release.run(release.newer, image(2), downgrade=True)
    assert release.origin.tip() == tip
    runs(monkeypatch, 3)
    cleared = clear(release.ops, "shop", "prod", release.newer.short, "mended", "Grace")
    assert release.origin.changed(tip, cleared.commit) == ["D\tprod/shop/holds.yaml"]
    assert trailer(release, cleared.commit, "Hold-Cleared") == [image(2)]
    runs(monkeypatch, 4)
    assert release.run(release.newer, image(2)).new


@pytest.mark.parametrize(
    ("run", "cut_off", "named"),
    [(2, False, False), (3, True, False), (3, False, True)],
    ids=["the same run", "after a run that was cut off", "to where it led"],
)
def test_a_rollback_that_was_begun_is_gone_on_with_without_a_commit(
    release: Release, monkeypatch: pytest.MonkeyPatch, run: int, cut_off: bool, named: bool
) -> None:
    for number, revision in enumerate((release.older, release.newer), 1):
        release.run(revision, image(number))
    runs(monkeypatch, 2)
    first, landed = release.back()
    runs(monkeypatch, run)
    of_first = release.ops.history("prod", "shop")[0].trailers["Run"]
    monkeypatch.setattr(rollback_commit, "was_interrupted", lambda run: cut_off and run == of_first)
    again = release.back(release.older.short if named else None)
    assert again[0] == first.model_copy(update={"begun": True})
    assert again[1] == Landed(commit=landed.commit, new=False)


def test_a_second_rollback_goes_further_back_and_not_to_what_is_held(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    revisions = [release.older, release.newer, release.beside]
    for number, revision in enumerate(revisions, 1):
        release.run(revision, image(number), downgrade=True)
    found: list[str] = []
    for number in (2, 3):
        runs(monkeypatch, number)
        found.append(release.back()[0].image)
    assert found == [image(2), image(1)]
    assert release.holds() == [release.beside.commit, release.newer.commit]
    runs(monkeypatch, 4)
    with pytest.raises(RefuseError, match="There is no release to go back to"):
        release.back()


def test_a_rollback_can_name_its_goal(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, revision in enumerate([release.older, release.newer, release.beside], 1):
        release.run(revision, image(number), downgrade=True)
    runs(monkeypatch, 2)
    assert release.back(release.older.short)[0].image == image(1)
    runs(monkeypatch, 3)
    with pytest.raises(RefuseError) as caught:
        release.back("f00")
    assert caught.value.what == "There is no release to go back to of f00."
    assert release.older.commit[:12] in str(caught.value.facts["got"])


def test_without_a_release_there_is_nothing_to_go_back_to(release: Release) -> None:
    with pytest.raises(RefuseError) as caught:
        release.back()
    assert caught.value.facts["got"] == "no release at all"
    assert release.origin.tip() == release.start


@pytest.mark.parametrize("revision", ["", "f00"])
def test_a_hold_that_is_not_there_is_not_cleared(release: Release, revision: str) -> None:
    with pytest.raises(RefuseError, match="There is no single hold on"):
        clear(release.ops, "shop", "prod", revision, "why", "Ada")
    assert release.origin.tip() == release.start
