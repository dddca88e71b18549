"""The files that an app has beside its code."""

from __future__ import annotations

from textwrap import indent

from shipway.config import pipeline
from shipway.config.pipeline import DEFAULT_WEIGHTS
from shipway.init.new_file import NewFile
from shipway.init.seen import Seen, SeenTests
from shipway.init.suite import SeenLayer

_DOCKERIGNORE = """\
.git
.venv
**/__pycache__
**/.pytest_cache
**/node_modules
"""
_PIPELINE = """\
# How Shipway builds and tests this app.
app: {app}
{image}tests:
{target}  layers:
{layers}
"""


def app_files(seen: Seen) -> list[NewFile]:
    """All of them."""
    return [*_docker_files(seen), *([pipeline_file(seen, seen.tests)] if seen.tests else [])]


def _docker_files(seen: Seen) -> list[NewFile]:
    """A Dockerfile, where there is none, and what its context leaves out."""
    if seen.new_dockerfile is None:
        return []
    return [
        NewFile(
            seen.dockerfile,
            seen.new_dockerfile,
            f"there was none; {seen.language} tells the language",
        ),
        NewFile(".dockerignore", _DOCKERIGNORE, "what no image needs"),
    ]


def pipeline_file(seen: Seen, tests: SeenTests) -> NewFile:
    """The pipeline.yaml: which stages of the Dockerfile, and which layers."""
    image = {
        "dockerfile": None if seen.dockerfile == "Dockerfile" else seen.dockerfile,
        "target": _quoted(seen.shipped.name) if seen.shipped.named or tests.stage else None,
    }
    keys = "".join(f"  {key}: {value}\n" for key, value in image.items() if value)
    text = _PIPELINE.format(
        app=seen.app,
        image=f"image:\n{keys}" if keys else "",
        target=f"  target: {_quoted(tests.stage)}\n" if tests.stage else "",
        layers="\n".join(_layer(layer, tests) for layer in tests.suite.layers),
    )
    stage = f"{tests.stage} has" if tests.stage else "and has"
    stages = f"of {seen.dockerfile}, the stage {seen.shipped.name} ships, {stage} the tests"
    return NewFile(pipeline.FILE, text, f"{tests.suite.why}; {stages}")


def _layer(layer: SeenLayer, tests: SeenTests) -> str:
    several = len(tests.suite.layers) > 1
    weight = f"\nweight: {DEFAULT_WEIGHTS[layer.name]}" if several else ""
    return indent(f"{layer.name}:\n{indent(layer.keys + weight, '  ')}", "    ")


def _quoted(stage: str) -> str:
    """The name of a stage as YAML; one without a name is a number."""
    return f'"{stage}"' if stage.isdigit() else stage
