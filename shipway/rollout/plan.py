"""What a release or a promotion would do: its stages, and the commits of its rollout."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

from shipway.code import Code
from shipway.config.jobs import Jobs, JobWhen
from shipway.config.rollout import Promotion
from shipway.gates.gate import Gate
from shipway.gates.measurement import Measurement
from shipway.git.diff import git_diff
from shipway.git.ops_folder import OpsFolder
from shipway.git.revision import Revision
from shipway.release import Release
from shipway.rollout.fields import changed_files
from shipway.rollout.frozen import Frozen
from shipway.rollout.shown import shown
from shipway.rollout.target import Target, target_of
from shipway.runners.registry import RUNNERS
from shipway.strategies.step import Step, When

# A layer has a name of the team's own.
_VERBS = {"build": "build", "release": "push"}


class StagePlan(BaseModel):
    """A stage before the rollout: whether it is done already, and why.

    Attributes:
        name: Its name.
        is_done: Whether it is.
        why: Why it is, or is not.
        run: The run that it was done in, where one is known.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    is_done: bool
    why: str
    run: str | None = None


class StepPlan(BaseModel):
    """A step of the rollout.

    Attributes:
        name: As its commit's trailer will say it.
        of: The release that it belongs to, for people.
        files: The paths that its commit changes, beside the record; none where Git says it already.
        diff: How, as `git diff` shows it, without what is confidential.
        share: Percent of the requests that the new version gets.
        pause_seconds: Time until the next step.
        gates: Which gates are asked meanwhile, if any.
        approval: Whether a person is asked before the commit.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    of: str
    files: tuple[str, ...]
    diff: str
    share: float
    pause_seconds: float
    gates: When | None
    approval: bool


class GatePlan(BaseModel):
    """A gate of rollout.yaml.

    Attributes:
        name: Its name.
        asks: What it asks, as the file says it: the settings by its kind.
        after: The steps after which it is asked.
        now: What it measures now; None where to measure would change something, or is for nothing.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    asks: dict[str, dict[str, Any]]
    after: tuple[str, ...]
    now: Measurement | None


class JobPlan(BaseModel):
    """A job of rollout.yaml.

    Attributes:
        name: Its name.
        when: Whether it runs before the first step, or after the last one.
        is_left: Whether it would run.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    when: JobWhen
    is_left: bool


class ReleasePlan(BaseModel):
    """What a release or a promotion would do, as far as it was found out before it is refused.

    Attributes:
        kind: Which of both.
        app: The app.
        environment: The environment.
        promoted_from: The environments that a promotion takes the version from.
        revision: What would be released.
        image: Its image; of one that is not built yet, the digest is zeros.
        stages: What comes before the rollout.
        answers: What was asked that could refuse it, and did not; by its name.
        unfinished: A rollback that was cut off, and that it would see through first.
        steps: The steps of the rollout that are left.
        jobs: The jobs.
        gates: The gates.
        review: The project in which each commit waits for the merge of its pull request, if any.
        refusal: Why it would be refused, in the words that it would end with.
    """

    kind: Literal["release", "promotion"] = "release"
    app: str
    environment: str
    promoted_from: str | None = None
    revision: Revision | None = None
    image: str | None = None
    stages: list[StagePlan] = Field(default_factory=list[StagePlan])
    answers: dict[str, str] = Field(default_factory=dict[str, str])
    unfinished: str | None = None
    steps: list[StepPlan] = Field(default_factory=list[StepPlan])
    jobs: list[JobPlan] = Field(default_factory=list[JobPlan])
    gates: list[GatePlan] = Field(default_factory=list[GatePlan])
    review: str | None = None
    refusal: str | None = None

    @property
    def title(self) -> str:
        """The name of the run."""
        short = f" {self.revision.short}" if self.revision else ""
        source = f": {self.promoted_from}" if self.promoted_from else ""
        return f"plan {self.app}{short}{source} → {self.environment}"

    @computed_field
    @property
    def outcome(self) -> Literal["refused", "changes", "no changes"]:
        """What it comes to, for programs."""
        if self.refusal is not None:
            return "refused"
        return "changes" if self._to_do else "no changes"

    @computed_field
    @property
    def sentence(self) -> str:
        """What it comes to, for people."""
        rollback = f"see the rollback through that was cut off ({self.unfinished})"
        first = [rollback] if self.unfinished else []
        if self.refusal is not None:
            refused = f"be refused: {self.refusal.splitlines()[0]}"
            return f"A {self.kind} would {' and then '.join([*first, refused])}"
        to_do = [*first, *self._to_do] or ["change nothing: image and commit are there already"]
        return f"A {self.kind} would {_listed(to_do)}"

    @property
    def _to_do(self) -> list[str]:
        """What is left to do."""
        to_do = [
            _VERBS.get(stage.name, f"run {stage.name}")
            for stage in self.stages
            if not stage.is_done
        ]
        to_do += self._jobs_left("before")
        commits = sum(bool(step.files) for step in self.steps)
        if commits:
            to_do.append(f"commit {commits} step{'s' if commits > 1 else ''}")
        return to_do + self._jobs_left("after")

    def _jobs_left(self, when: JobWhen) -> list[str]:
        left = (job for job in self.jobs if job.is_left and job.when == when)
        return [f"run the job {job.name}" for job in left]


def plan_stages(code: Code, green: Mapping[str, str], *, built: bool) -> list[StagePlan]:
    """The stages before the rollout.

    Args:
        code: The revision.
        green: The layers that were green with the same inputs, each with the run that says so.
        built: Whether the registry has the image.
    """
    tag, layers = f"tag {code.revision.commit}", code.pipeline.tests.layers
    if not built:
        build = StagePlan(name="build", is_done=False, why=f"the registry has no {tag}")
        push = StagePlan(name="release", is_done=False, why="pushes once all tests are green")
        return [build, *(_layer_plan(name, code, green.get(name)) for name in layers), push]
    there = f"the registry has the {tag}"
    proof = dict.fromkeys(layers, "no image is pushed before all its tests are green")
    done = {"build": there, **proof, "release": there}
    return [StagePlan(name=name, is_done=True, why=why) for name, why in done.items()]


def plan_steps(
    folder: OpsFolder, live_pods: Mapping[str, int], releases: Sequence[Release]
) -> list[StepPlan]:
    """The steps of some releases, one after the other, from what Git says now.

    Each is planned on the files that the steps before it leave.

    Args:
        folder: What Git says.
        live_pods: How many pods the cluster says that its autoscaled workloads have.
        releases: What is released.

    Raises:
        RefuseError: The folder is not as the strategy expects it.
    """
    steps = list[StepPlan]()
    for release in releases:
        target = target_of(folder).with_live_pods(live_pods)
        plan = target.plan(release.image, rollback=release.cause.is_rollback)
        for step in plan:
            changes = changed_files(folder, step.edits, release.revision.commit)
            steps.append(_step_plan(folder, step, release, changes))
            folder = folder.with_changes(changes)
    return steps


def plan_gates(
    gates: Sequence[Gate], steps: Sequence[StepPlan], now: Mapping[str, Measurement]
) -> list[GatePlan]:
    """The gates, each with the steps after which it is asked.

    Args:
        gates: Those of rollout.yaml.
        steps: The steps that are left.
        now: What was measured, by the gate's name.
    """
    return [
        GatePlan(
            name=gate.name,
            asks=gate.asks,
            after=tuple(step.name for step in steps if step.gates == gate.when),
            now=now.get(gate.name),
        )
        for gate in gates
    ]


def plan_jobs(of_file: Jobs, left: Jobs) -> list[JobPlan]:
    """The jobs of rollout.yaml, each with whether it is left."""
    return [
        JobPlan(name=job.name, when=when, is_left=(when, job) in left.in_order)
        for when, job in of_file.in_order
    ]


def jobs_words(left: Jobs) -> str:
    """What the API server answers that does not refuse the jobs that are left."""
    names = ", ".join(job.name for _, job in left.in_order)
    return f"the API server takes {names}; none of them ran for the image in vain"


def promotion_words(promotion: Promotion) -> str:
    """What the environments before answer that lets their version go on."""
    least = f"{promotion.healthy_for_seconds:g} s"
    if len(promotion.source) == 1:
        return f"{promotion.sources} runs it, and has been healthy with it for {least} or more"
    return f"{promotion.sources} run it, and have been healthy with it for {least} or more"


def fence_words(
    target: Target, in_spite_of: Mapping[str, str], frozen: Frozen | None = None
) -> str:
    """What the fence, the holds and the freezes answer that let a release follow.

    Args:
        target: The environment.
        in_spite_of: The trailers that say what it follows in spite of.
        frozen: The freeze whose end it waits for, if it waits for one.
    """
    words = (
        f"{target.folder} at {target.commit[:7]} has no hold on the image, and no revision that "
        "this one does not contain"
    )
    if (undone := in_spite_of.get("Downgrade-From")) is not None:
        words = f"the release may undo {undone[:7]}: it is a downgrade that is allowed"
    if (reason := in_spite_of.get("Freeze-Override")) is not None:
        words += f"; the freeze is overridden: {reason}"
    if frozen is not None:
        words += f"; it waits, {frozen.words}"
    return words


def rendered_words(target: Target) -> str:
    """What rendering answers that proves the steps of an overlay."""
    return f"Kustomize makes of {target.folder} what each step means to change, and nothing else"


def dry_run_words(target: Target, step: Step, *, asked: bool, built: bool) -> str:
    """What the dry run of a step answers that the API server does not refuse."""
    if not step.edits:
        return "not asked: there is nothing to commit"
    if not asked:
        return "not asked: another agent applies"
    later = "" if built else "; what policies say of the image is asked once it is built"
    return f"the API server takes {target.folder} as {step.name!r} leaves it{later}"


def _layer_plan(name: str, code: Code, green: str | None) -> StagePlan:
    """A layer of a revision that has no image yet."""
    layer = code.layer(name)
    if green is not None:
        return StagePlan(name=name, is_done=True, why="green with the same inputs", run=green)
    why = f"runs {shlex.join(layer.command)}"
    if RUNNERS[layer.runner].images != "none":
        why += ", unless it was green with the same images, which are yet to be built"
    return StagePlan(name=name, is_done=False, why=why)


def _step_plan(
    folder: OpsFolder, step: Step, release: Release, changes: Mapping[str, bytes]
) -> StepPlan:
    before = {path: folder.files[path.rpartition("/")[2]] for path in changes}
    return StepPlan(
        name=step.name,
        of=release.title(folder.app_environment),
        files=tuple(changes),
        diff=git_diff(shown(before), shown(changes)),
        share=step.share,
        pause_seconds=step.pause_seconds,
        gates=step.gates,
        approval=step.approval and bool(step.edits),
    )


def _listed(words: Sequence[str]) -> str:
    """Words as a sentence has them."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
