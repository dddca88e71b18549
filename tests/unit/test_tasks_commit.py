from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, temporary_settings

from blocks.errors import Refuse
from blocks.ops_repository import OpsRepository
from blocks.source_repository import Revision, SourceRepository
from flows.strategies import STRATEGIES, Step
from flows.tasks.commit import Committed, _commit, release_message
from flows.tasks.target import Target, target_of
from tests.unit.origin import Origin

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
        (step,) = STRATEGIES["rolling"].plan(self.target().images, wanted)
        return step

    def run(self, revision: Revision, wanted: str) -> Committed:
        step = self.step(wanted)
        return _commit(self.ops, self.source, self.target(), step, revision, wanted)

    def web(self) -> bytes:
        return self.ops.fetch("prod", "shop").files["web.yaml"]


@pytest.fixture
def release(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Release]:
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ROOT_FLOW_RUN_ID", RUN)
    with temporary_settings({PREFECT_UI_URL: "https://prefect.example.org"}):
        yield Release(origin, Origin(tmp_path / "app"))


def test_a_release_is_one_commit_that_changes_the_images_alone(release: Release) -> None:
    found = release.run(release.newer, image(1))
    assert found == Committed(commit=release.origin.tip(), new=True, link=f"`{found.commit[:7]}`")
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
        f"Image: {image(1)}\n"
        "Step: 1/1 rolling\n"
        f"Run: https://prefect.example.org/runs/flow-run/{RUN}"
    )


def test_without_an_address_the_run_stands_as_its_id(release: Release) -> None:
    step = release.step(image(1))
    with temporary_settings(restore_defaults={PREFECT_UI_URL, PREFECT_API_URL}):
        message = release_message(release.target(), step, release.newer, image(1))
    assert message.endswith(f"Run: {RUN}\n")


def test_the_same_release_again_is_no_commit(release: Release) -> None:
    first = release.run(release.newer, image(1))
    again = release.run(release.newer, image(1))
    assert again == Committed(commit=first.commit, new=False, link=first.link)
    assert release.origin.tip() == first.commit


def test_a_newer_revision_follows_an_older_one(release: Release) -> None:
    release.run(release.older, image(1))
    assert release.run(release.newer, image(2)).new
    assert release.web() == WEB.replace(b"shop:0", image(2).encode())


@pytest.mark.parametrize("which", ["older", "beside"])
def test_a_revision_that_lacks_the_recorded_one_is_fenced_off(release: Release, which: str) -> None:
    tip = release.run(release.newer, image(1)).commit
    revision = getattr(release, which)
    with pytest.raises(Refuse) as caught:
        release.run(revision, image(2))
    assert str(caught.value) == (
        "prod already has a revision that this one does not contain.\n"
        f"  where:     prod/shop at {tip[:7]}\n"
        f"  expected:  a revision that contains {release.newer.commit}\n"
        f"  got:       {revision.commit}\n"
        "  untouched: the ops repository and the cluster\n"
        "  remedy:    release a revision that contains it"
    )
    assert release.origin.tip() == tip


def test_an_older_revision_is_fenced_off_even_where_there_is_nothing_to_change(
    release: Release,
) -> None:
    release.run(release.newer, image(1))
    with pytest.raises(Refuse, match="already has a revision"):
        release.run(release.older, image(1))


def test_a_release_edits_the_tip_as_it_is_now_and_not_as_it_was_read(release: Release) -> None:
    target, step = release.target(), release.step(image(1))
    by_hand = WEB.replace(b"# then", b"# by hand")
    theirs = release.origin.commit({"prod/shop/web.yaml": by_hand})
    found = _commit(release.ops, release.source, target, step, release.newer, image(1))
    assert release.origin.bare.commit(found.commit).parents[0].hexsha == theirs
    assert release.web() == by_hand.replace(b"shop:0", image(1).encode())
