"""`make demo`: the main job, as a newcomer runs it."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

from tests.support.pages import paste, pasted
from tests.support.project import HOME


def test_the_demo_does_what_the_readme_says(cluster_is_up: None, sandbox: dict[str, str]) -> None:
    file = Path(sandbox["SHIPWAY_STATE"], "demo.json")
    file.unlink(missing_ok=True)
    demo, test = "".join(pasted("README.md", "Try it")).splitlines()
    # The other line is what CI runs.
    assert " ".join(shlex.split(test, comments=True)) in (HOME / ".ci" / "run").read_text().split(
        "\n"
    )
    done = paste(demo, {}, os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("The sample app's first commit", "Prefect UI", "The shop "):
        assert words in done.stdout

    figures = json.loads(file.read_text())
    first, second, again = figures["releases"]
    assert (figures["app"], figures["until"]) == ("shop", "healthy")
    assert [one["version"] for one in (first, second, again)] == ["1.0.0", "2.0.0", "2.0.0"]
    counts = [[one[key] for key in ("built", "pushed", "committed")] for one in (second, again)]
    assert counts == [[1, 1, 1], [0, 0, 0]]
    assert second["revision"] == again["revision"] != first["revision"]
    assert second["image"] == again["image"] != first["image"]
    assert "@sha256:" in second["image"]
    assert max(map(len, done.stdout.splitlines())) < 200
    for stage in ("code", "build", "unit", "integration", "e2e", "release", "deploy"):
        assert second["stages"][stage] > 0
    layers = {name: one["passed"] for name, one in second["tests"].items()}
    assert f" {'+'.join(map(str, layers.values()))} " in done.stdout
    share = {name: count / sum(layers.values()) for name, count in layers.items()}
    assert 0.6 < share["unit"] < 0.8
    assert 0.1 < share["integration"] < 0.3
    assert 0.05 < share["e2e"] < 0.15
