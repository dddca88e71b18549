"""What people see of a rollout: its steps, shares, gates, commits and times, while it goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from prefect import get_client
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.actions import ArtifactUpdate

from shipway.gates.measurement import Measurement
from shipway.reports.markdown import data_uri
from shipway.reports.timeline_svg import Moment, draw
from shipway.rollout.committed import Committed
from shipway.strategies.step import Step

REFRESH_SECONDS = 2.0


class Timeline:
    """The steps of a rollout as this run has seen them, as a page that is written again and again.

    Args:
        title: What rolls out, and where.
        page: The artifact.
    """

    def __init__(self, title: str, page: UUID) -> None:
        self._title, self._page = title, page
        self._begin = time.monotonic()
        self._rows: list[_Row] = []
        self._moments: list[Moment] = []
        self._words = ""
        self._written = ""

    def step(self, step: Step, committed: Committed) -> None:
        """A step is committed."""
        self._rows.append(_Row(step, committed, self._now()))

    def reached(self, step: Step) -> None:
        """The cluster is where the step leads."""
        self._moments.append(Moment(at=self._now(), share=step.share))

    def tell(self, gate: str, reading: Measurement) -> None:
        """A gate was looked at."""
        self._rows[-1].gates[gate] = reading
        if reading.value is not None:
            self._moments.append(Moment(at=self._now(), gate=gate, value=reading.value))

    def done(self) -> None:
        """The latest step is over."""
        self._rows[-1].seconds = self._now() - self._rows[-1].began

    def gave_up(self, words: str) -> None:
        """The latest step turned out bad."""
        self.done()
        self._words = words

    def led_back(self, words: str) -> None:
        """The requests are the version before's again."""
        self._moments.append(Moment(at=self._now(), share=0))
        self._words = f"{self._words}\n\n{words}"

    def render(self) -> str:
        """The page, in Markdown."""
        rows = [
            f"| {row.step.name} | {row.step.share:g} % | {row.duration()} "
            f"| {row.committed.link} | {row.gates_in_words()} |"
            for row in self._rows
        ]
        picture = data_uri(draw(self._moments, self._now()))
        table = ["| Step | Share | Took | Commit | Gates |", "|---|---|---|---|---|", *rows]
        return "\n".join(
            (
                f"# {self._title}",
                "",
                *table,
                "",
                f"![traffic and gates]({picture})",
                "",
                self._words,
            )
        )

    async def write(self) -> None:
        """Write the page, if there is something new."""
        rows = str([(row.seconds, row.gates) for row in self._rows])
        seen = f"{rows}{len(self._moments)}{self._words}"
        if seen == self._written:
            return
        self._written = seen
        async with get_client() as client:
            await client.update_artifact(self._page, ArtifactUpdate(data=self.render()))

    def _now(self) -> float:
        return time.monotonic() - self._begin


class _Row:
    """A step, as far as it has come."""

    def __init__(self, step: Step, committed: Committed, began: float) -> None:
        self.step, self.committed, self.began = step, committed, began
        self.gates: dict[str, Measurement] = {}
        self.seconds: float | None = None

    def gates_in_words(self) -> str:
        """Each gate's last answer."""
        marks = {"pass": "✓", "fail": "✗", "inconclusive": "…"}
        lines = (
            f"{marks[one.verdict]} {name}: {' '.join(one.words.split())}".replace("|", "\\|")
            for name, one in self.gates.items()
        )
        return "<br>".join(lines)

    def duration(self) -> str:
        """How long it took."""
        return "…" if self.seconds is None else f"{self.seconds:.0f} s"


@asynccontextmanager
async def timeline(app: str, environment: str, title: str) -> AsyncGenerator[Timeline]:
    """Keep a rollout's timeline, as the artifact `<app>-<environment>-rollout`."""
    page = await acreate_markdown_artifact(
        f"# {title}", key=f"{app}-{environment}-rollout", description=f"Rollout of {title}"
    )
    kept = Timeline(title, page)
    writing = asyncio.create_task(_keep_writing(kept))
    try:
        yield kept
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        await kept.write()


async def _keep_writing(kept: Timeline) -> None:
    while True:
        await asyncio.sleep(REFRESH_SECONDS)
        await kept.write()
