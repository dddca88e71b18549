"""A rollout as a page: its steps, shares, gates, commits and times, as far as it has come."""

from __future__ import annotations

import time
from textwrap import indent

from shipway.errors import ShipwayError
from shipway.gates.measurement import Measurement
from shipway.git.source_changes import Changes
from shipway.reports.changes import changes_section
from shipway.reports.markdown import data_uri, escape, fenced
from shipway.reports.timeline_svg import Moment, draw
from shipway.rollout.result import StepCommit
from shipway.strategies.step import Step

_MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "…"}


class Timeline:
    """The steps of a rollout as one run has seen them.

    Args:
        title: What rolls out, and where.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._begin = time.monotonic()
        self._rows: list[_Row] = []
        self._moments: list[Moment] = []
        self._told: list[tuple[float, str]] = []
        self._words = ""
        self._what_changed: Changes | None = None

    @property
    def state(self) -> str:
        """Equal as long as there is nothing new but the time."""
        rows = str([(row.seconds, row.gates) for row in self._rows])
        return f"{rows}{len(self._moments)}{len(self._told)}{self._words}"

    def begin_step(self, step: Step, commit: StepCommit) -> None:
        """A step is committed."""
        self._rows.append(_Row(step, commit, self._now()))
        self._what_changed = self._what_changed or commit.what_changed

    def waited(self, words: str) -> None:
        """Something keeps the cluster from getting where the step leads, or does so no more."""
        self._told.append((self._now(), words))

    def ran(self, words: str) -> None:
        """A job ended; its log stands below the first line."""
        self._told.append((self._now(), words))

    def reached(self, step: Step) -> None:
        """The cluster is where the step leads."""
        self._moments.append(Moment(at=self._now(), share=step.share))

    def measured(self, gate: str, measurement: Measurement) -> None:
        """A gate was measured."""
        self._rows[-1].gates[gate] = measurement
        if measurement.value is not None:
            self._moments.append(Moment(at=self._now(), gate=gate, value=measurement.value))

    def end_step(self) -> None:
        """The latest step is over."""
        self._rows[-1].seconds = self._now() - self._rows[-1].began

    def failed(self, error: ShipwayError) -> None:
        """The latest step turned out bad, or a job after it; or a person declined the next one."""
        if self._rows and self._rows[-1].seconds is None:
            self.end_step()
        self._words = f"**{error.what}** {error.facts['got'] or ''}"

    def rolled_back(self, error: ShipwayError) -> None:
        """The requests are the version before's again; the error says what to do next."""
        self._moments.append(Moment(at=self._now(), share=0))
        self._words = f"{self._words}\n\n{error.facts['remedy'] or ''}"

    def render(self) -> str:
        """The page, in Markdown."""
        rows = [
            f"| {row.step.name} | {row.step.share:g} % | {row.duration()} "
            f"| {row.commit.link} | {row.gates_in_words()} |"
            for row in self._rows
        ]
        picture = data_uri(draw(self._moments, self._now()))
        table = "\n".join(
            ["| Step | Share | Took | Commit | Gates |", "|---|---|---|---|---|", *rows]
        )
        parts = (
            f"# {self._title}",
            table,
            f"![traffic and gates]({picture})",
            "\n".join(_told(at, words) for at, words in self._told),
            self._words,
            changes_section(self._what_changed),
        )
        return "\n\n".join(filter(None, parts))

    def _now(self) -> float:
        return time.monotonic() - self._begin


def _told(at: float, words: str) -> str:
    """When something was told; below its first line what a container has printed."""
    first, _, printed = words.partition("\n")
    log = f"\n\n{indent(fenced(printed), '  ')}" if printed else ""
    return f"- {at:.0f} s: {escape(first)}{log}"


class _Row:
    """A step, as far as it has come."""

    def __init__(self, step: Step, commit: StepCommit, began: float) -> None:
        self.step, self.commit, self.began = step, commit, began
        self.gates: dict[str, Measurement] = {}
        self.seconds: float | None = None

    def gates_in_words(self) -> str:
        """Each gate's last answer."""
        lines = (
            f"{_MARKS[measurement.verdict]} {name}: {' '.join(measurement.words.split())}".replace(
                "|", "\\|"
            )
            for name, measurement in self.gates.items()
        )
        return "<br>".join(lines)

    def duration(self) -> str:
        """How long it took."""
        return "…" if self.seconds is None else f"{self.seconds:.0f} s"
