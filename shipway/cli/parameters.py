"""What several commands take, described once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from shipway.cli.choices import apps, environments

App = Annotated[
    str, Parameter(help="App, as its Source Repository block is named.", completer=apps)
]
AnyApp = Annotated[str | None, Parameter(help="One app alone.", completer=apps)]
Environment = Annotated[
    str,
    Parameter(
        help="Environment, as its folder in the ops repository is named.", completer=environments
    ),
]
AnyEnvironment = Annotated[
    str | None, Parameter(help="One environment alone.", completer=environments)
]
Until = Annotated[
    Literal["commit", "healthy"],
    Parameter(help="Stop at the GitOps commit, or see the rollout through until healthy."),
]
ReleaseUntil = Annotated[
    Literal["image", "commit", "healthy"],
    Parameter(
        help="Stop at the image, tested and pushed, or at the GitOps commit, or see the rollout "
        "through until healthy."
    ),
]
Downgrade = Annotated[
    bool,
    Parameter(
        negative=(),
        help="Let an older or unrelated revision follow the one that is there now.",
    ),
]
OverrideFreeze = Annotated[
    str | None,
    Parameter(help="Why it is to go to a frozen environment; it stands in the commit."),
]
Promotion = Annotated[
    bool,
    Parameter(negative=(), help="Say it of a promotion to the environment; it takes no revision."),
]
By = Annotated[str | None, Parameter(help="Who wants it; your login name if empty.")]
Json = Annotated[bool, Parameter(name="--json", negative=(), help="Tell a program of it.")]

Junit = Annotated[
    Path | None, Parameter(help="Where to write the JUnit XML of all layers, once it is over.")
]
ReportFile = Annotated[
    Path | None, Parameter(help="Where to append the report as Markdown, once it is over.")
]


@Parameter(name="*")
@dataclass(frozen=True)
class Telling:
    """What is told of a run that is started."""

    watch: Annotated[
        bool, Parameter(negative=(), help="Show each stage, and wait for the end.")
    ] = False
    as_json: Json = False
    junit: Junit = None
    report: ReportFile = None

    @property
    def waits(self) -> bool:
        """Whether the run is followed to its end."""
        return self.watch or self.junit is not None or self.report is not None


# Its name and address alone.
BRIEFLY = Telling()
