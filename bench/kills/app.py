"""The app that is released: it takes long enough to build and to push for both to be hit."""

from __future__ import annotations

from pathlib import Path

from bench.common.apps import App
from bench.release.cases import commit
from examples import repositories

SECONDS = 2
MEGABYTES = 8

# Behind what a change copies in, so that each revision takes that long.
_SLEEP = f'RUN python3 -c "import time; time.sleep({SECONDS})"\n'
_BALLAST = (
    f"RUN python3 -c \"import os; open('ballast', 'wb').write(os.urandom({MEGABYTES} << 20))\"\n"
)
_BEHIND = {"COPY . .\n": _SLEEP, "COPY shop shop\n": _SLEEP + _BALLAST}


def make_slow(app: App) -> None:
    """Let its images take some seconds to build, and the one that ships some megabytes."""
    text = Path(app.code.working_dir, "Dockerfile").read_text()
    for copy, more in _BEHIND.items():
        assert text.count(copy) == 1, copy
        text = text.replace(copy, copy + more)
    repositories.commit(app.code, "A slow build", {"Dockerfile": text})


def change(app: App, mark: str) -> str:
    """Change one line of its code; return the revision, which nobody has built or tested."""
    return commit(app.code, "change", f"{mark} of {app.name}")
