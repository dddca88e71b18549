"""What a release of several services came to: a page, a row for programs, and a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from shipway.git.revision import Revision
from shipway.monorepo.outcome import Outcome
from shipway.reports.changes import revision_facts
from shipway.reports.markdown import escape, linked, table
from shipway.text import at_most, one_line

_WHY = 300


class ServicesReport(BaseModel):
    """What a release of several services came to.

    Attributes:
        environment: Where they were released.
        revision: Their revision.
        all_or_nothing: Whether one that fails takes the others back.
        outcomes: What became of each, by name.
    """

    model_config = ConfigDict(frozen=True)

    environment: str
    revision: Revision
    all_or_nothing: bool
    outcomes: Mapping[str, Outcome]

    @property
    def title(self) -> str:
        """What was released, and where."""
        return f"services {self.revision.short} → {self.environment}"

    @property
    def sentence(self) -> str:
        """How many came to what."""
        counts = Counter(outcome.what for outcome in self.outcomes.values())
        said = ", ".join(f"{count} {what}" for what, count in counts.most_common())
        return said if counts["released"] or not self.is_good else f"nothing to release: {said}"

    @property
    def is_good(self) -> bool:
        """Whether every service is as it is to be."""
        return all(outcome.is_good for outcome in self.outcomes.values())

    @property
    def lines(self) -> list[str]:
        """What is not as it is to be, a line each."""
        bad = {app: outcome for app, outcome in self.outcomes.items() if not outcome.is_good}
        return [
            f"{app} {outcome.what}: {' '.join(filter(None, (outcome.why, outcome.run)))}"
            for app, outcome in bad.items()
        ]

    def row(self) -> dict[str, Any]:
        """The same for a program."""
        services = {app: outcome.model_dump() for app, outcome in self.outcomes.items()}
        return {
            "environment": self.environment,
            "revision": self.revision.commit,
            "all_or_nothing": self.all_or_nothing,
            "services": services,
            "error": None if self.is_good else "\n".join([self.sentence, *self.lines]),
        }


def render(report: ServicesReport) -> str:
    """The page, in Markdown."""
    rule = "all or nothing" if report.all_or_nothing else "each on its own"
    facts = [*revision_facts(report.revision), f"**Rule** {rule}"]
    rows = [
        (app, linked(outcome.what, outcome.run), escape(at_most(one_line(outcome.why), _WHY)))
        for app, outcome in report.outcomes.items()
    ]
    parts = [
        f"# {report.title}: {report.sentence}",
        "\n".join(f"- {fact}" for fact in facts),
        table(("Service", "What", "Why"), rows),
    ]
    return "\n\n".join(parts)
