"""What a deployment's runs import, and where from: whether they can be forked, and from what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

# What a Python and its libraries read once: when the process starts, or as Prefect's settings, when
# flows are imported. With two underscores, Prefect tells one run of itself.
_READ_AT_START = re.compile(
    r"(PYTHON|LD_|LC_|MALLOC_|PREFECT_(?!_)).*|LANG(UAGE)?|TZ|GLIBC_TUNABLES|VIRTUAL_ENV"
)
# Prefect then runs `uv` for each run.
_INSTALLS = "PREFECT_RUNNER_AUTO_INSTALL_DEPENDENCIES"
_NO = {None, "", "0", "f", "false", "n", "no", "off"}
_STEP = "prefect.deployments.steps.set_working_directory"


class Imports(BaseModel):
    """What a process has imported when runs are forked from it.

    Attributes:
        folder: Where the package is looked for first.
        package: The one that holds the flows.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    package: str


def imports_of(entrypoint: str | None, steps: list[dict[str, Any]] | None) -> Imports | None:
    """What the runs of a deployment import; nothing if only the run itself can know.

    Args:
        entrypoint: The deployment's. A file is read anew by each run.
        steps: Its pull steps. What is fetched for a run may be new code.
    """
    if entrypoint is None or ":" in entrypoint or steps is None or len(steps) != 1:
        return None
    directory = Path(steps[0].get(_STEP, {}).get("directory", ""))
    if not directory.is_absolute() or not directory.is_dir():
        return None
    return Imports(folder=directory, package=entrypoint.partition(".")[0])


def needs_own_start(environment: Mapping[str, str | None], worker: Mapping[str, str]) -> bool:
    """Whether a run's environment has what a process that already runs cannot take on.

    Args:
        environment: The run's; None where a variable is taken away.
        worker: What the process that it would be forked from has.
    """
    installs = environment.get(_INSTALLS)
    if (installs and installs.lower()) not in _NO:
        return True
    return any(
        _READ_AT_START.fullmatch(name) and environment.get(name) != worker.get(name)
        for name in {*environment, *worker}
    )
