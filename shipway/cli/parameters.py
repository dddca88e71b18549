"""What several commands take, described once."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

App = Annotated[str, Parameter(help="App, as its Source Repository block is named.")]
Environment = Annotated[
    str, Parameter(help="Environment, as its folder in the ops repository is named.")
]
Until = Annotated[
    Literal["commit", "healthy"],
    Parameter(help="Stop at the GitOps commit, or see the rollout through until healthy."),
]
Downgrade = Annotated[
    bool,
    Parameter(
        negative=(),
        help="Let an older or unrelated revision follow the one that is there now.",
    ),
]
By = Annotated[str | None, Parameter(help="Who wants it; your login name if empty.")]
Watch = Annotated[bool, Parameter(negative=(), help="Show each stage, and wait for the end.")]
Json = Annotated[bool, Parameter(name="--json", negative=(), help="Tell a program of it.")]
