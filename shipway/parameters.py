"""What people give as parameters: names, and words that will stand in Git."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import StringConstraints

from shipway.errors import RefuseError
from shipway.text import one_line

# What folders of the ops repository, namespaces and keys of Prefect's artifacts all take.
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]


def check_names(**names: str | None) -> None:
    """Check parameters that name an app or an environment.

    Raises:
        RefuseError: One of them could not be the name of a folder and of a namespace.
    """
    for parameter, name in names.items():
        # A line end would pass before `$`.
        if name is not None and not re.fullmatch(NAME_PATTERN.strip("^$"), name):
            raise RefuseError(
                f"The parameter {parameter!r} is no name.",
                where=f"what the run was started with: {parameter}",
                expected="lowercase letters, digits and dashes, at most 63",
                got=repr(name),
                untouched="everything: nothing was built, pushed or committed",
                remedy="`shipway status` lists the apps and environments that there are",
            )


def check_revision(revision: str | None, *, promotion: bool) -> None:
    """Check that nobody names a revision where a promotion finds it out.

    Raises:
        RefuseError: Somebody does.
    """
    if revision and promotion:
        raise RefuseError(
            "A promotion takes no revision.",
            where="what the run was started with: revision",
            expected="none: it takes what the environment before runs",
            got=repr(revision),
            untouched="everything: nothing was built, pushed or committed",
            remedy="leave out the revision, or the promotion",
        )


def required_line(parameter: str, text: str) -> str:
    """A reason or a name that people gave, as one line.

    Raises:
        RefuseError: It is empty.
    """
    if line := one_line(text):
        return line
    raise RefuseError(
        f"The parameter {parameter!r} is empty.",
        expected="a few words that others will read in the history",
        untouched="the ops repository and the cluster",
    )
