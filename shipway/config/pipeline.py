"""`pipeline.yaml`: how an app is built and tested; it lives beside the app's code."""

from __future__ import annotations

from datetime import date
from posixpath import normpath
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from shipway.documents.document import Strict, read_document
from shipway.parameters import Name
from shipway.runners.registry import RUNNERS, known_runner
from shipway.test_tools.registry import (
    TOOLS,
    check_settings,
    known_tool,
    recognize,
    splitting_tools,
)
from shipway.test_tools.tool import FILES, ToolSettings

FILE = "pipeline.yaml"

# As a build context: the repository's root.
ROOT = "/"

# What a run's report and progress call its other stages.
STAGES = ("code", "build", "release", "deploy")
DEFAULT_WEIGHTS = {"unit": 70, "integration": 20, "e2e": 10}


def _inside_app_folder(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError("must be a path inside the app's folder")
    return normpath(path)


def _inside_repository(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/") or not path.isprintable():
        raise ValueError("must be a path from the repository's root, such as libs/money")
    return normpath(path)


def _context(path: str) -> str:
    return path if path == ROOT else _inside_app_folder(path)


RelativePath = Annotated[str, AfterValidator(_inside_app_folder)]
RepositoryPath = Annotated[str, AfterValidator(_inside_repository)]
Context = Annotated[str, AfterValidator(_context)]
Command = Annotated[list[str], Field(min_length=1)]
Environment = dict[str, str]
Platform = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?$")]
SecretId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$")]
ToolName = Annotated[
    str, AfterValidator(known_tool), WithJsonSchema({"type": "string", "enum": [*TOOLS]})
]
RunnerName = Annotated[
    str, AfterValidator(known_runner), WithJsonSchema({"type": "string", "enum": [*RUNNERS]})
]


class Image(Strict):
    """What to build."""

    context: Context = Field(
        default=".",
        description="Build context, relative to pipeline.yaml; `/` for the repository's root, with "
        "the app's folder and what it uses, each in its place.",
    )
    dockerfile: RelativePath = Field(default="Dockerfile", description="Relative to pipeline.yaml.")
    target: str | None = Field(
        default=None, description="Stage to ship; the last one if not given."
    )
    args: dict[str, str] = Field(default_factory=dict, description="Build arguments.")
    platforms: list[Platform] = Field(
        default_factory=list,
        description="What it is to run on, such as linux/arm64; the engine's own if not given. "
        "Tests run on the engine's own.",
    )
    secrets: dict[SecretId, Name] = Field(
        default_factory=dict,
        description="Prefect Secret blocks that `RUN --mount=type=secret` may read, by id.",
    )
    ssh: dict[SecretId, Name] = Field(
        default_factory=dict,
        description="Prefect Secret blocks with a private key for `RUN --mount=type=ssh`, by id.",
    )


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


# Of pytest-cov; where configuration sets it, pytest's process refuses shards.
COVERAGE_THRESHOLD = "--cov-fail-under"


class Quarantine(Strict):
    """A test whose failure is known: it runs, is reported, and stops nothing until its last day."""

    owner: str = Field(min_length=1, description="Who will repair it.")
    until: date = Field(strict=False, description="Last day; from the next on, it fails again.")
    reason: str = Field(min_length=1, description="Why, for instance the link to an issue.")


class Layer(Strict):
    """One layer of the test pyramid."""

    renamed: ClassVar = {"budget": "budget_seconds", "timeout": "timeout_seconds"}

    command: Command = Field(description="Run where the runner says; `{files}` stands for `files`.")
    weight: float | None = Field(
        default=None, gt=0, description="Share of budget, slots and progress, beside the others'."
    )
    runner: RunnerName = Field(
        default="container",
        description="A container of the test image, a process on the worker in the checkout, or "
        "a pod of the test image in the cluster of the Pod Runner block.",
    )
    tool: ToolName | None = Field(
        default=None, description="The test tool; recognized by the command if not given."
    )
    files: str | None = Field(
        default=None, description="Glob of the test files, for a command that takes `{files}`."
    )
    junit: RelativePath | None = Field(
        default=None,
        description="Glob of the JUnit XML that the command writes, if not to $SHIPWAY_JUNIT.",
    )
    shards: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = Field(
        default="auto", description="How many at once; auto: from the recorded times and the slots."
    )
    split: Literal["test", "file"] = Field(
        default="test", description="What is kept together: file, where files share slow fixtures."
    )
    retries: int = Field(
        default=0, ge=0, le=10, description="How often a failed test runs again, in a clean shard."
    )
    new_tests: int = Field(
        default=3, ge=1, le=50, description="How often a new test runs before it counts."
    )
    quarantine: dict[str, Quarantine] = Field(default_factory=dict)
    budget_seconds: float | None = Field(
        default=None,
        gt=0,
        description="What it should take; the weight's share of the pyramid's if not given.",
    )
    over_budget: Literal["report", "fail"] = "report"
    timeout_seconds: float = Field(default=900, gt=0, description="After these it is ended.")
    env: Environment = Field(default_factory=dict)
    services: dict[Name, Service] = Field(default_factory=dict)
    app: App | None = Field(
        default=None, description="Start the image under test beside the tests."
    )
    reads: list[RelativePath] = Field(
        default_factory=lambda: ["."],
        description="Paths that a process reads; a change elsewhere does not run it again.",
    )

    @property
    def tool_settings(self) -> ToolSettings:
        """What the layer says to its tool."""
        return ToolSettings(command=tuple(self.command), files=self.files, junit=self.junit)

    @property
    def tool_name(self) -> str:
        """The tool: the given one, or the one that the command names."""
        return self.tool or recognize(self.tool_settings)

    @property
    def splits(self) -> bool:
        """Whether a part of the tests can run."""
        return TOOLS[self.tool_name].splits(self.tool_settings)

    @model_validator(mode="after")
    def _one_app(self) -> Layer:
        if self.app is not None and "app" in self.services:
            raise ValueError(
                "a service cannot be named app where the image under test is: rename it"
            )
        return self

    @model_validator(mode="after")
    def _a_process_is_alone(self) -> Layer:
        if (self.services or self.app) and not RUNNERS[self.runner].services:
            raise ValueError(f"a {self.runner} has no services and no app: use runner: container")
        return self

    @model_validator(mode="after")
    def _an_image_is_read_whole(self) -> Layer:
        if self.reads != ["."] and RUNNERS[self.runner].images != "none":
            without = " or ".join(name for name, kind in RUNNERS.items() if kind.images == "none")
            raise ValueError(
                f"reads is for runner: {without}; elsewhere the test image is what is read"
            )
        return self

    @model_validator(mode="after")
    def _its_tool_can_run_it(self) -> Layer:
        check_settings(self.tool_name, self.tool_settings)
        return self

    @model_validator(mode="after")
    def _parts_of_what_splits(self) -> Layer:
        if not self.splits and (self.retries or self.shards not in {"auto", 1}):
            raise ValueError(
                "shards and retries need a tool that runs parts: "
                f"{', '.join(splitting_tools())}, or {FILES}"
            )
        return self

    @model_validator(mode="after")
    def _a_threshold_judges_all(self) -> Layer:
        threshold = COVERAGE_THRESHOLD in " ".join(self.command)
        if threshold and self.tool_name == "pytest" and self.shards != 1:
            raise ValueError(
                f"{COVERAGE_THRESHOLD} would judge each shard alone: set shards: 1, or remove it"
            )
        return self

    @model_validator(mode="after")
    def _one_process_writes_a_file(self) -> Layer:
        shares = self.junit is not None and RUNNERS[self.runner].images == "none"
        if shares and self.splits and (self.shards != 1 or self.retries):
            raise ValueError(
                f"shards and retries of a {self.runner} share one folder, and would share the "
                "files of junit: let the command write to $SHIPWAY_JUNIT, or set shards: 1 and "
                "retries: 0"
            )
        return self


class Tests(Strict):
    """The test pyramid: layers in the order they run, each only on green."""

    __test__ = False
    renamed: ClassVar = {"budget": "budget_seconds"}

    target: str | None = Field(
        default=None,
        description="Dockerfile stage the layers run in; the shipped image if not given.",
    )
    budget_seconds: float = Field(default=900, gt=0, description="For all layers together.")
    layers: dict[Name, Layer] = Field(min_length=1)

    def weight(self, layer: str) -> float:
        """The layer's share of the whole, from 0 to 1: the team's weights, or 70, 20 and 10."""
        weights = {
            name: settings.weight or DEFAULT_WEIGHTS[name] for name, settings in self.layers.items()
        }
        return weights[layer] / sum(weights.values())

    def budget_seconds_of(self, layer: str) -> float:
        """The layer's time budget: its own, or its weight's share of the whole."""
        share = self.budget_seconds * self.weight(layer)
        return self.layers[layer].budget_seconds or share

    @model_validator(mode="after")
    def _weighed(self) -> Tests:
        for name, layer in self.layers.items():
            if layer.weight is None and name not in DEFAULT_WEIGHTS:
                raise ValueError(
                    f"the layer {name!r} needs a weight: only unit, integration and "
                    "e2e have one by default"
                )
        return self

    @model_validator(mode="after")
    def _no_stage(self) -> Tests:
        if taken := [name for name in self.layers if name in STAGES]:
            raise ValueError(
                f"{taken[0]!r} is another stage of a release: give the layer its own name"
            )
        return self

    @model_validator(mode="after")
    def _cheapest_first(self) -> Tests:
        given = [name for name in self.layers if name in DEFAULT_WEIGHTS]
        if given != [name for name in DEFAULT_WEIGHTS if name in self.layers]:
            raise ValueError("layers run in the order they stand: unit, then integration, then e2e")
        return self


class Pipeline(Strict):
    """The whole file."""

    app: Name = Field(
        description="Name of the app, of its image and of its folder in the ops repository."
    )
    uses: list[RepositoryPath] = Field(
        default_factory=list,
        description="What the app is made of beside its folder, from the repository's root: a "
        "checkout has nothing else then.",
    )
    needs: list[Name] = Field(
        default_factory=list,
        description="Apps of the repository that are released before it, and healthy, where "
        "several are released in one go.",
    )
    image: Image = Field(default_factory=lambda: Image.model_validate({}))
    tests: Tests

    @model_validator(mode="after")
    def _the_root_holds_what_is_used(self) -> Pipeline:
        if self.image.context == ROOT and not self.uses:
            raise ValueError(
                "image.context is the repository's root: list in uses what the app takes from there"
            )
        return self


def read_pipeline(text: str, file: str = FILE) -> Pipeline:
    """Read and check a `pipeline.yaml`.

    Raises:
        RefuseError: With file, line, key, expected and got.
    """
    return read_document(text, Pipeline, file)
