"""What is measured: four commits that a pipeline meets, made the same way for both."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from git import Repo

from examples import repositories

Case = Literal["cold", "again", "change", "red"]

# The order of a round: each case finds the caches as the one before left them.
TITLES: dict[Case, str] = {
    "cold": "cold: nothing cached",
    "again": "the same commit again",
    "change": "one line of app code changed",
    "red": "a red unit test",
}
CODE = "shop/pricing.py"
RED = "tests/unit/test_red.py"


def commit(code: Repo, case: Case, mark: str) -> str:
    """Commit and push what a case starts from; return the revision.

    Args:
        code: The app's repository.
        case: The case.
        mark: A text that no other app and no other round has, so that nothing is shared.
    """
    root = Path(code.working_dir)
    (root / RED).unlink(missing_ok=True)
    if case == "again":
        return code.head.commit.hexsha
    if case == "red":
        changes = {RED: "def test_red() -> None:\n    assert False\n"}
    else:
        changes = {CODE: f"{(root / CODE).read_text()}# {mark}\n"}
    if case == "cold":
        # The first step after the base image: no layer of an earlier build fits.
        dockerfile = (root / "Dockerfile").read_text()
        changes = {
            "Dockerfile": re.sub(r"-m venv /venv.*", f"-m venv /venv && : {mark}", dockerfile)
        }
    return repositories.commit(code, f"{TITLES[case]}, {mark}", changes)
