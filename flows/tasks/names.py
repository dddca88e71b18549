"""Names that people give as parameters."""

from __future__ import annotations

import re

from blocks.errors import Refuse

# What folders of the ops repository, namespaces and keys of Prefect's artifacts all take.
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def check_names(**names: str | None) -> None:
    """Check parameters that name an app or an environment.

    Raises:
        Refuse: One of them could not be the name of a folder and of a namespace.
    """
    for parameter, name in names.items():
        if name is not None and not _NAME.fullmatch(name):
            raise Refuse(
                f"The parameter {parameter!r} is no name.",
                expected="lowercase letters, digits and dashes, at most 63",
                got=repr(name),
                untouched="everything: nothing was built, pushed or committed",
            )
