"""`pipeline.yaml`: how an app is built and tested; it lives beside the app's code."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from blocks.config.document import Strict, read_document

FILE = "pipeline.yaml"

LayerName = Literal["unit", "integration", "e2e"]
DEFAULT_WEIGHTS: dict[LayerName, int] = {"unit": 70, "integration": 20, "e2e": 10}


def _inside(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError("must be a path inside the app's folder")
    return path


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
RelativePath = Annotated[str, AfterValidator(_inside)]
Command = Annotated[list[str], Field(min_length=1)]
Environment = dict[str, str]


class Image(Strict):
    """What to build."""

    context: RelativePath = Field(
        default=".", description="Build context, relative to pipeline.yaml."
    )
    dockerfile: RelativePath = Field(default="Dockerfile", description="Relative to pipeline.yaml.")
    target: str | None = Field(
        default=None, description="Stage to ship; the last one if not given."
    )
    args: dict[str, str] = Field(default_factory=dict, description="Build arguments.")


class Service(Strict):
    """A container that a layer needs beside its tests, reachable there by its name."""

    image: str = Field(description="Image reference.")
    env: Environment = Field(default_factory=dict)
    ready: Command | None = Field(
        default=None,
        description="Command run in the container; it is ready once that exits 0. "
        "Without it the image's HEALTHCHECK decides, and without that, running is ready.",
    )


class App(Strict):
    """How the image under test is started for a layer; reachable there as `app`."""

    env: Environment = Field(default_factory=dict)
    ready: Command | None = Field(default=None, description="As for a service.")


class Layer(Strict):
    """One layer of the test pyramid."""

    command: Command = Field(description="Run in a container of the test image.")
    weight: int | None = Field(default=None, ge=1, description="Share of the pyramid in percent.")
    budget: float = Field(default=900, gt=0, description="Seconds after which the layer fails.")
    env: Environment = Field(default_factory=dict)
    services: dict[Name, Service] = Field(default_factory=dict)
    app: App | None = Field(
        default=None, description="Start the image under test beside the tests."
    )
    junit: str | None = Field(
        default=None,
        description="Where the command writes JUnit XML in its container. pytest needs no path.",
    )

    @model_validator(mode="after")
    def _one_app(self) -> Layer:
        if self.app is not None and "app" in self.services:
            raise ValueError(
                "a service cannot be named app where the image under test is: rename it"
            )
        return self


class Tests(Strict):
    """The test pyramid; unit runs first, each later layer only on green."""

    target: str | None = Field(
        default=None,
        description="Dockerfile stage the layers run in; the shipped image if not given.",
    )
    layers: dict[LayerName, Layer] = Field(min_length=1)

    def weight(self, layer: LayerName) -> int:
        """The layer's weight in percent: the team's, or 70, 20 or 10."""
        return self.layers[layer].weight or DEFAULT_WEIGHTS[layer]


class Pipeline(Strict):
    """The whole file."""

    app: Name = Field(
        description="Name of the app, of its image and of its folder in the ops repository."
    )
    image: Image = Field(default_factory=lambda: Image.model_validate({}))
    tests: Tests


def read_pipeline(text: str, file: str = FILE) -> Pipeline:
    """Read and check a `pipeline.yaml`.

    Raises:
        Refuse: With file, line, key, expected and got.
    """
    return read_document(text, Pipeline, file)
