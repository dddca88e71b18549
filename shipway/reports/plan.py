"""What a release or a promotion would do, as a page: in the Prefect UI, or on a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from shipway.reports.changes import revision_facts
from shipway.reports.markdown import escape, fenced, linked, table
from shipway.rollout.plan import GatePlan, JobPlan, ReleasePlan, StagePlan, StepPlan


def render(plan: ReleasePlan) -> str:
    """The Markdown page."""
    return "\n\n".join(part for part in _parts(plan) if part)


def _parts(plan: ReleasePlan) -> Iterator[str]:
    yield f"# {plan.title}"
    yield f"**{escape(plan.sentence)}**"
    if plan.refusal is not None:
        yield fenced(plan.refusal)
    yield _facts(plan)
    if plan.stages:
        stages = [_stage(stage) for stage in plan.stages]
        yield "## Stages\n\n" + table(("Stage", "", "Why"), stages)
    if plan.answers:
        answers = [(name, _cell(answer)) for name, answer in plan.answers.items()]
        yield "## Asked beforehand\n\n" + table(("Question", "Answer"), answers)
    if plan.steps:
        yield "## Steps\n\n" + table(
            ("Step", "Commit", "Share of requests", "Pause after it"),
            [_step(step) for step in plan.steps],
        )
    yield from (_diff(plan, step) for step in plan.steps if step.files)
    if plan.jobs:
        yield "## Jobs\n\n" + table(("Job", "When", ""), [_job(job) for job in plan.jobs])
    if plan.gates:
        gates = [_gate(gate) for gate in plan.gates]
        yield "## Gates\n\n" + table(("Gate", "Asked after", "Now"), gates)
    yield from (f"### {gate.name}\n\n{fenced(_asks(gate))}" for gate in plan.gates)


def _facts(plan: ReleasePlan) -> str:
    facts = revision_facts(plan.revision)
    if plan.image is not None:
        facts.append(f"**Image** `{plan.image}`")
    if not all(stage.is_done for stage in plan.stages):
        facts.append("The digest of zeros stands for the image's, which is known once it is built.")
    if plan.review is not None:
        facts.append(f"Each commit waits in `{plan.review}` until its pull request is merged.")
    return "\n".join(f"- {fact}" for fact in facts)


def _stage(stage: StagePlan) -> tuple[str, ...]:
    """A stage's line."""
    run = f", in {linked('another run', stage.run)}" if stage.run else ""
    return (_cell(stage.name), "done" if stage.is_done else "to do", _cell(stage.why) + run)


def _step(step: StepPlan) -> tuple[str, ...]:
    """A step's line."""
    count = len(step.files)
    commit = f"{count} file{'s' if count > 1 else ''}" if count else "done already"
    asked = f"{commit}, once a person approves" if step.approval else commit
    return (_cell(step.name), asked, f"{step.share:g} %", f"{step.pause_seconds:g} s")


def _job(job: JobPlan) -> tuple[str, ...]:
    """A job's line."""
    when = {"before": "before the first step", "after": "after the last step"}[job.when]
    return (job.name, when, "to run" if job.is_left else "does not run")


def _diff(plan: ReleasePlan, step: StepPlan) -> str:
    """What a step's commit changes."""
    of = [escape(step.of)] if plan.unfinished else []
    return "\n\n".join((f"### {escape(step.name)}", *of, fenced(step.diff.rstrip(), "diff")))


def _gate(gate: GatePlan) -> tuple[str, ...]:
    """A gate's line."""
    after = ", ".join(gate.after) or "no step that is left"
    now = f"{gate.now.verdict}: {gate.now.words}" if gate.now else "not asked"
    return tuple(map(_cell, (gate.name, after, now)))


def _asks(gate: GatePlan) -> str:
    """What a gate asks, a line for each setting."""
    ((kind, settings),) = gate.asks.items()
    lines = (f"  {key}: {' '.join(str(value).split())}" for key, value in settings.items())
    return "\n".join((f"{kind}:", *lines))


def _cell(text: str) -> str:
    """Others' words in a cell of a table."""
    return escape(" ".join(text.split()))
