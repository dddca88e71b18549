"""What a release or a promotion would do, with nothing changed."""

from __future__ import annotations

import asyncio

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from blocks.ops_repository import OpsRepository
from flows.runtime.load_block import load_block
from flows.runtime.run_link import address_of
from flows.runtime.run_name import name_this_run, run_name
from flows.tasks.agent.external_agent import ask_agent
from flows.tasks.checkout import checkout
from flows.tasks.find_promotable import find_promotable
from flows.tasks.push import find_image, name_image
from flows.tasks.rollout.check_rendered import check_rendered
from flows.tasks.rollout.dry_run import dry_run
from flows.tasks.rollout.jobs import check_jobs
from flows.tasks.rollout.live_pods import at_live_pods
from flows.tasks.rollout.plan_steps import plan_steps
from flows.tasks.rollout.preflight import check_fence, preflight
from flows.tasks.rollout.read_target import read_target
from flows.tasks.rollout.run_gates import check_gates, measure_gates
from flows.tasks.test.ledger import read_ledger
from shipway.app_environment import AppEnvironment
from shipway.code import Code
from shipway.errors import HaltError, RefuseError
from shipway.gates.measurement import Measurement
from shipway.parameters import check_names, check_revision
from shipway.release import Cause, Release
from shipway.reports.plan import render
from shipway.rollout.plan import (
    ReleasePlan,
    dry_run_words,
    fence_words,
    jobs_words,
    plan_gates,
    plan_jobs,
    plan_stages,
    promotion_words,
    rendered_words,
)
from shipway.rollout.promotion import promotion_of
from shipway.rollout.target import Target
from shipway.runners.environment import Images
from shipway.runners.registry import RUNNERS
from shipway.strategies.step import first_with_edits
from shipway.temporary_folder import temporary_folder


@flow(name="plan", flow_run_name=run_name("plan {app} {revision} → {environment}"))
async def plan(
    app: str,
    revision: str | None = None,
    environment: str = "staging",
    downgrade: bool = False,
    override_freeze: str | None = None,
    promotion: bool = False,
) -> State[None]:
    """Say what a release or a promotion would do; nothing is built, pushed, committed or applied.

    Args:
        app: App, as its Source Repository block is named.
        revision: Branch, tag or commit id; the tip of the default branch if empty.
        environment: Environment, as its folder in the ops repository is named.
        downgrade: Let an older or unrelated revision follow the one that is there now.
        override_freeze: Why it is to go to a frozen environment.
        promotion: Say it of a promotion to the environment, which takes no revision.
    """
    check_names(app=app, environment=environment)
    check_revision(revision, promotion=promotion)
    app_environment = AppEnvironment(app=app, environment=environment)
    made = ReleasePlan(
        kind="promotion" if promotion else "release", app=app, environment=environment
    )
    with temporary_folder("code") as folder:
        try:
            cause = Cause(downgrade=downgrade, override_freeze=override_freeze)
            if promotion:
                await ask_promotion(made, app_environment, cause)
            else:
                code = await checkout(app, revision, folder)
                made.revision = code.revision
                await ask_release(made, app_environment, code, cause)
        except (RefuseError, HaltError) as error:
            made.refusal = str(error)
    await show(made)
    return Completed(message=made.sentence)


async def ask_release(
    made: ReleasePlan, app_environment: AppEnvironment, code: Code, cause: Cause
) -> None:
    """Ask what a release asks, in its order, and note each answer.

    Raises:
        RefuseError: The release would be refused.
        HaltError: It would stop for a person.
    """
    found = await find_image(code)
    image, built = found or await name_image(code), found is not None
    made.image = str(image)
    made.stages = plan_stages(code, {} if built else await green_layers(code), built=built)
    new = Release(revision=code.revision, image=image, cause=cause)
    await ask_rollout(made, app_environment, new, built=built)


async def ask_promotion(made: ReleasePlan, app_environment: AppEnvironment, cause: Cause) -> None:
    """Ask what a promotion asks, in its order, and note each answer.

    Raises:
        RefuseError: The promotion would be refused.
        HaltError: It would stop for a person.
    """
    promotion = promotion_of(await read_target(app_environment))
    new = await find_promotable(made.app, promotion, cause)
    made.revision, made.image = new.revision, str(new.image)
    made.promoted_from = promotion.sources
    made.answers["promotion"] = promotion_words(promotion)
    await ask_rollout(made, app_environment, new, built=True)


async def ask_rollout(
    made: ReleasePlan, app_environment: AppEnvironment, new: Release, *, built: bool
) -> None:
    """Ask what a rollout asks before its first commit, and plan its steps."""
    before = await preflight(app_environment, new, waits=True)
    target, releases = before.target, [new]
    if before.unfinished is not None:
        made.unfinished = before.unfinished.title(app_environment)
        releases = [before.unfinished, new]
        await look_ahead(made, target, releases[:1], built=built)
        await check_fence(target, new)
    made.answers["fence, holds and freezes"] = fence_words(
        target, before.in_spite_of, before.frozen
    )
    await check_gates(target)
    made.jobs = plan_jobs(target.rollout.jobs, before.jobs)
    if before.jobs.in_order:
        await check_jobs(target, new, before.jobs, built=built)
        made.answers["jobs"] = jobs_words(before.jobs)
    await look_ahead(made, target, releases, built=built)
    now = await gates_now(target, new)
    made.gates = plan_gates(target.rollout.gates, made.steps, now)
    ops = await load_block(OpsRepository)
    made.review = ops.review.project if ops.review else None


async def green_layers(code: Code) -> dict[str, str]:
    """The layers that do not run again, each with the run in which it was green.

    What a layer runs in is not known before its image is built.
    """
    green = dict[str, str]()
    for name, layer in code.pipeline.tests.layers.items():
        if RUNNERS[layer.runner].images == "none":
            history = await read_ledger(name, code, Images(tests=None, app=None), fresh=False)
            if history.green is not None:
                green[name] = address_of(str(history.green.cached))
    return green


async def look_ahead(
    made: ReleasePlan, target: Target, releases: list[Release], *, built: bool
) -> None:
    """Plan the steps of some releases, one after the other, and have the first one tried."""
    first = releases[0]
    plan = target.plan(first.image, rollback=first.cause.is_rollback)
    target, step = await at_live_pods(target, first_with_edits(plan), first)
    made.steps = await plan_steps(target, releases)
    said = await ask_agent(target, step, way_back=first.cause.is_rollback)
    if said is not None:
        made.answers["agent"] = said
    if not first.cause.is_rollback and await check_rendered(target, plan, first.revision.commit):
        made.answers["rendering"] = rendered_words(target)
    asked = await dry_run(target, step, first, built=built)
    made.answers["dry run"] = dry_run_words(target, step, asked=asked, built=built)


async def gates_now(target: Target, new: Release) -> dict[str, Measurement]:
    """What the gates measure now, each as the first step that asks it would."""
    looking = {gate.when for gate in target.rollout.gates if gate.settings.only_looks}
    steps = [step for step in target.plan(new.image) if step.gates in looking]
    first = {step.gates: step for step in reversed(steps)}
    asked = [await measure_gates(target, step, new.image) for step in first.values()]
    return {name: measured for each in asked for name, measured in each.items()}


async def show(made: ReleasePlan) -> None:
    """Name the run by what it plans, and keep the plan for people and for programs."""
    key = f"{made.app}-{made.environment}-plan"
    await asyncio.gather(
        name_this_run(made.title),
        acreate_markdown_artifact(render(made), key=key, description=made.title),
        acreate_table_artifact(
            [made.model_dump(mode="json")], key=f"{key}-summary", description=made.title
        ),
    )
