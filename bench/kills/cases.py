"""One release, hit in one stage, and the same release once more."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from docker import DockerClient
from prefect.client.orchestration import PrefectClient

from bench.common.apps import App
from bench.kills.app import change
from bench.kills.hits import Kind, hit
from bench.kills.left import Left, Traces, what_is_left
from bench.kills.outside import committed_images, digest_of, pushes
from bench.kills.own_worker import OwnWorker
from bench.kills.release_end import End, report_of, wait_for_end
from bench.kills.stages import Point, Stage, reach, where


class Bench(NamedTuple):
    """What all cases share.

    Attributes:
        app: The app that is released.
        client: The Prefect server.
        engine: Where containers run.
        worker: The worker of the releases.
        registry_log: The registry's access log.
        folder: Where the app's runs keep their mirrors, and nobody else works.
    """

    app: App
    client: PrefectClient
    engine: DockerClient
    worker: OwnWorker
    registry_log: Path
    folder: Path


class Case(NamedTuple):
    """What came of one release.

    Attributes:
        stage: Where it was to be hit.
        point: Where it was when it had been hit.
        end: How it ended.
        report: What its own summary says.
        left: What was left of it: after the cancel, or else after the same release once more.
        again: How the same release ended.
        commits: How many commits in the ops repository release the revision.
        pushes: How often the registry took its image.
        same_image: Whether each commit has the image that the registry holds.
    """

    stage: Stage
    point: Point
    end: End
    report: str
    left: Left
    again: str
    commits: int
    pushes: int
    same_image: bool


async def case(bench: Bench, kind: Kind, stage: Stage) -> Case:
    """Release a revision that is new, hit it in a stage, and release the same one again."""
    app, client, engine, worker = bench.app.name, bench.client, bench.engine, bench.worker
    revision = change(bench.app, f"{kind} in {stage}")
    release = await worker.release(client, app, revision)
    process = await reach(client, release, stage)
    gone = await hit(kind, client, worker, release, process)
    _, point = await where(client, release)
    end = await wait_for_end(client, engine, release)
    report = await report_of(release)
    traces = Traces(release, process, gone, bench.folder)
    # A cancelled run clears up after itself; a killed one may leave it to the next.
    at_once = await what_is_left(client, engine, traces) if kind == "cancel" else None
    worker.start_if_killed()
    again = await wait_for_end(client, engine, await worker.release(client, app, revision))
    in_the_end = await what_is_left(client, engine, traces)
    images, digest = committed_images(app, revision), digest_of(app, revision)
    return Case(
        stage=stage,
        point=point,
        end=end,
        report=report,
        left=at_once if at_once and at_once.anything else in_the_end,
        again=again.state,
        commits=len(images),
        pushes=pushes(bench.registry_log, app, revision),
        same_image=digest is not None and all(image.endswith(digest) for image in images),
    )


async def release_once(bench: Bench) -> None:
    """Release a revision and hit nothing: what all images share is built then.

    Raises:
        SystemExit: It does not come out as it must.
    """
    revision = change(bench.app, "the first")
    release = await bench.worker.release(bench.client, bench.app.name, revision)
    end = await wait_for_end(bench.client, bench.engine, release)
    if end.state != "Completed":
        log = bench.worker.log.read_text(errors="replace")
        raise SystemExit(f"✗ a release that is left alone: {end.state}\n{log[-3000:]}")
