"""One commit to a running service: Code → Build → Test → Release → Deploy."""

from __future__ import annotations

import asyncio

from prefect import flow
from prefect.client.schemas.objects import State

from blocks.container_runner import ContainerRunner
from blocks.image_builder import ImageBuilder
from blocks.ledger import Ledger
from blocks.ops_repository import OpsRepository
from blocks.registry import Registry
from flows.rollout import ReleaseUntil, check_release, roll_out
from flows.runtime.beside import do_beside, finish_beside
from flows.runtime.load_block import load_ahead
from flows.runtime.overtaken import BUILDING_SECONDS, unless_overtaken
from flows.runtime.run_name import run_name
from flows.runtime.run_reporter import RunReporter, report_run
from flows.runtime.suspension import release_before, suspended_by_waits
from flows.tasks.agent.external_agent import ask_agent
from flows.tasks.build import build, build_elsewhere, build_tests
from flows.tasks.checkout import checkout
from flows.tasks.clean_up import clear_leftovers, nothing_left, remove_what_runs
from flows.tasks.push import find_image, name_image, push
from flows.tasks.rollout.dry_run import dry_run
from flows.tasks.test.prepare_place import prepare_place
from flows.verify import verify
from shipway.app_environment import AppEnvironment
from shipway.code import Code
from shipway.concurrency import fail_fast_group
from shipway.image_ref import ImageRef
from shipway.release import Cause, Release
from shipway.runners.environment import Images
from shipway.strategies.step import first_with_edits
from shipway.temporary_folder import temporary_folder


@flow(
    name="release",
    flow_run_name=run_name("{app} {revision} → {environment}"),
    on_completion=[finish_beside],
    on_failure=[finish_beside],
    on_cancellation=[remove_what_runs],
    on_crashed=[remove_what_runs],
)
async def release(
    app: str,
    revision: str | None = None,
    environment: str = "staging",
    until: ReleaseUntil = "healthy",
    downgrade: bool = False,
    override_freeze: str | None = None,
) -> State[None]:
    """Release one revision of an app to one environment; a second time changes nothing.

    Args:
        app: App, as its Source Repository block is named.
        revision: Branch, tag or commit id; the tip of the default branch if empty.
        environment: Environment, as its folder in the ops repository is named.
        until: Stop at the image, tested and pushed, or at the GitOps commit, or see the rollout
            through until healthy.
        downgrade: Let an older or unrelated revision follow the one that is there now.
        override_freeze: Why it is to go to a frozen environment; it stands in the commit.
    """
    app_environment = AppEnvironment(app=app, environment=environment)
    with temporary_folder("code") as folder:
        async with suspended_by_waits(), report_run(app_environment) as reporter:
            do_beside(load_ahead(Registry, OpsRepository), "Blocks were not read ahead")
            before = release_before()
            wanted = before.revision.commit if before else revision
            code = await reporter.timed("code", checkout(app, wanted, folder))
            reporter.releases(code.revision, code.pipeline.tests)
            given = Cause(downgrade=downgrade, override_freeze=override_freeze)
            cause = before.cause if before else given
            image = await find_image(code)
            if image is None:
                needed = load_ahead(ImageBuilder, ContainerRunner, Ledger)
                do_beside(needed, "Blocks were not read ahead")
                unbuilt = await check_beforehand(app_environment, code, cause)
                image = await unless_overtaken(
                    app_environment,
                    unbuilt,
                    build_test_push(code, reporter),
                    committed=False,
                    every_seconds=BUILDING_SECONDS,
                )
            new = Release(revision=code.revision, image=image, cause=cause)
            if until == "image":
                await check_release(app_environment, new)
                reporter.stopped_at(image)
                return reporter.completed()
            result = await reporter.timed("deploy", roll_out(app_environment, new, until))
            reporter.rolled_out(image, result)
            return reporter.completed()


async def check_beforehand(app_environment: AppEnvironment, code: Code, cause: Cause) -> Release:
    """Ask what can refuse a release of an image that is yet to be built; all but its digest.

    Returns:
        The release, with the image that is to be built.
    """
    image = await name_image(code)
    unbuilt = Release(revision=code.revision, image=image, cause=cause)
    target = await check_release(app_environment, unbuilt, built=False)
    step = first_with_edits(target.plan(image))
    await ask_agent(target, step, way_back=False)
    await dry_run(target, step, unbuilt, built=False)
    return unbuilt


async def build_test_push(code: Code, reporter: RunReporter) -> ImageRef:
    """Build and test a revision that has no image yet; push it once the whole pyramid is green."""
    layers = code.pipeline.tests.layers
    async with nothing_left():
        async with fail_fast_group() as side_by_side:
            side_by_side.create_task(clear_leftovers())
            image = side_by_side.create_task(reporter.timed("build", build(code, "image")))
            elsewhere = side_by_side.create_task(build_elsewhere(code))

            async def app_of(name: str) -> str | None:
                return await image if layers[name].app else None

            async def prepare(name: str) -> None:
                await prepare_place(name, code, await app_of(name))

            tests = side_by_side.create_task(build_tests(code))
            places = dict[str, asyncio.Task[None]]()
            order = [*layers]
            for number, name in enumerate(order):
                # No further ahead: what starts for a later layer slows down the tests of this one.
                for near in order[number : number + 2]:
                    if near not in places:
                        places[near] = side_by_side.create_task(prepare(near))
                await places[name]
                images = Images(tests=await tests, app=await app_of(name))
                await reporter.verified(name, verify.with_options(name=name)(name, code, images))
        built = await image
    pushed = await reporter.timed("release", push(code, built, elsewhere.result()))
    reporter.pushed(pushed)
    return pushed.image
