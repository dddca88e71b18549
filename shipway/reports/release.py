"""The release report: one Markdown page, and one row for machines."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from shipway import commands
from shipway.app_environment import AppEnvironment
from shipway.errors import FailError, HaltError, RefuseError, RetryError, ShipwayError
from shipway.forges.api import State
from shipway.git.revision import Revision
from shipway.git.source_changes import Changes
from shipway.image_ref import ImageRef
from shipway.pyramid.results import LayerResult
from shipway.reports.changes import changes_section, revision_facts
from shipway.reports.markdown import fenced
from shipway.reports.pyramid import pyramid_figures, pyramid_section

BAR = 30

# What a run came to, for programs.
Outcome = Literal["done", "waits", "refused", "failed", "halted", "cancelled", "error"]
_OUTCOMES: dict[type[ShipwayError], Outcome] = {
    RefuseError: "refused",
    FailError: "failed",
    HaltError: "halted",
}


class Stage(BaseModel):
    """When a stage began and ended, in seconds since the run began."""

    name: str
    begin: float
    end: float
    done: bool

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.begin


class Report(BaseModel):
    """What one run did."""

    app: str
    environment: str
    revision: Revision | None = None
    image: ImageRef | None = None
    commit: str | None = None
    commit_link: str | None = None
    what_changed: Changes | None = None
    served: str | None = None
    built: int = 0
    pushed: int = 0
    committed: int = 0
    layers: list[LayerResult] = Field(default_factory=list)
    stages: list[Stage] = Field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None
    waits_for: str | None = None
    cancelled: bool = False
    state: State = "success"
    result: Outcome = "done"

    @property
    def title(self) -> str:
        """The name of the run."""
        short = self.revision.short if self.revision else "?"
        return f"{self.app} {short} → {self.environment}"

    @property
    def outcome(self) -> str:
        """What a run that is done came to, in a sentence."""
        passed, flaky = (
            sum(layer.count(ended) for layer in self.layers) for ended in ("passed", "flaky")
        )
        commits = "1 commit" if self.committed == 1 else f"{self.committed} commits"
        did = {
            "built": self.built,
            f"{passed} tests passed": passed,
            f"{flaky} flaky": flaky,
            "pushed": self.pushed,
            commits: self.committed,
        }
        said = ", ".join(words for words, count in did.items() if count)
        said = said or "nothing to do, it was there already"
        return f"{said}; {self.served}" if self.served else said

    @property
    def sentence(self) -> str:
        """What a run came to, however it ended, in a sentence."""
        if self.waits_for:
            return self.waits_for
        return self.error.partition("\n")[0] if self.error else self.outcome

    def add_stage(self, name: str, begin: float, end: float, *, done: bool) -> None:
        """Note a stage that is over."""
        self.stages.append(Stage(name=name, begin=begin, end=end, done=done))

    def ended_by(self, error: BaseException) -> None:
        """Note what ended the run before it was done: an error, or somebody who cancelled it."""
        self.cancelled = not isinstance(error, Exception)
        is_judged = isinstance(error, ShipwayError) and not isinstance(error, RetryError)
        self.state = "failure" if is_judged else "error"
        self.error = str(self._cancellation() if self.cancelled else error) or type(error).__name__
        self.result = "cancelled" if self.cancelled else _outcome_of(error)

    def suspended_by(self, waits: Exception) -> None:
        """Note what the run waits for, without a process."""
        self.state, self.result, self.waits_for = "pending", "waits", str(waits)

    def resumed(self) -> Report:
        """The same report, of the run as it goes on."""
        done = [stage for stage in self.stages if stage.done]
        begun = {"state": "success", "result": "done", "waits_for": None, "stages": done}
        return self.model_copy(update=begun)

    def _cancellation(self) -> ShipwayError:
        whose = AppEnvironment(app=self.app, environment=self.environment)
        changing = {"release", "deploy"} & {stage.name for stage in self.stages}
        return ShipwayError(
            "This run was cancelled, by somebody or by the end of its worker.",
            where=", ".join(stage.name for stage in self.stages if not stage.done) or None,
            untouched=None if changing else "registry, ops repository and cluster",
            remedy="start it again: it goes on from what is done. What it has pushed and committed "
            f"stays; {commands.rollback(whose)} leads back",
        )

    def row(self) -> dict[str, Any]:
        """The same figures for a machine."""
        return {
            "app": self.app,
            "environment": self.environment,
            "revision": self.revision.commit if self.revision else None,
            "image": str(self.image) if self.image else None,
            "commit": self.commit,
            "served": self.served,
            "built": self.built,
            "pushed": self.pushed,
            "committed": self.committed,
            "tests": pyramid_figures(self.layers),
            "stages": {stage.name: round(stage.seconds, 3) for stage in self.stages},
            "seconds": round(self.seconds, 3),
            "result": self.result,
            "error": self.error,
        }


def _outcome_of(error: BaseException) -> Outcome:
    for kind, outcome in _OUTCOMES.items():
        if isinstance(error, kind):
            return outcome
    return "error"


def render(report: Report) -> str:
    """The Markdown page."""
    parts = [f"# {report.title}: {_how_it_is(report)}"]
    if said := report.error or report.waits_for:
        parts.append(fenced(said))
    parts += [_facts(report), changes_section(report.what_changed)]
    parts += [pyramid_section(report.layers), _stages(report)]
    return "\n\n".join(part for part in parts if part)


def _how_it_is(report: Report) -> str:
    if report.waits_for:
        return "waits"
    if report.error:
        return "cancelled" if report.cancelled else "failed"
    return "done"


def _facts(report: Report) -> str:
    """Revision, image, commit and figures, as a list."""
    facts = revision_facts(report.revision)
    if report.image:
        facts.append(f"**Image** `{report.image.repository}`")
        facts.append(f"**Digest** `{report.image.digest}`")
    if report.commit_link:
        made = "" if report.committed else " (already there)"
        facts.append(f"**Ops commit** {report.commit_link}{made}")
    if report.served:
        facts.append(f"**Cluster** {report.served}")
    counts = f"{report.built} built, {report.pushed} pushed, {report.committed} committed"
    facts.append(f"**This run** {counts}, in {report.seconds:.1f} s")
    return "\n".join(f"- {fact}" for fact in facts)


def _stages(report: Report) -> str:
    """When each stage ran, as a chart."""
    end = max((stage.end for stage in report.stages), default=0.0)
    if end == 0.0:
        return ""
    lines: list[str] = []
    for stage in report.stages:
        left = round(BAR * stage.begin / end)
        width = max(1, round(BAR * stage.seconds / end))
        # ASCII alone: the fonts of a browser give block characters a width of their own.
        bar = (" " * left + ("=" if stage.done else "x") * width).ljust(BAR + 1)
        lines.append(f"{stage.name:<12}{bar} {stage.seconds:6.1f} s")
    return "## Time\n\n```text\n" + "\n".join(lines) + "\n```"
