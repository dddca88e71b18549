"""What an app's checkout says of itself: all that the files are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from shipway.config import pipeline
from shipway.config.pipeline import Pipeline, read_pipeline
from shipway.errors import RefuseError
from shipway.init.dockerfile import Stage, read_stages, shipped_stage
from shipway.init.languages import LANGUAGES
from shipway.init.languages.language import Language
from shipway.init.new_file import UNTOUCHED
from shipway.init.suite import SeenSuite
from shipway.init.tree import Tree, tree_of
from shipway.parameters import check_names

_DOCKERFILES = ("Dockerfile", "Containerfile", "docker/Dockerfile")
# The nearer to readiness, the earlier.
_HEALTH_PATHS = ("/readyz", "/ready", "/healthz", "/health", "/livez")
_CODE = r".*\.(py|go|[cm]?[jt]sx?)"
_TESTS = r"(.*/)?tests?/.*|(.*/)?(test_[^/]*|[^/]*[._-](test|spec)\.\w+)"


class SeenTests(BaseModel):
    """The tests of an app, and where they run.

    Attributes:
        suite: The tests.
        stage: The stage that they run in; none, where it is the one that ships.
    """

    model_config = ConfigDict(frozen=True)

    suite: SeenSuite
    stage: str | None


class Seen(BaseModel):
    """What was seen of an app.

    Attributes:
        app: Its name.
        language: The file that tells its language, if one does.
        dockerfile: Path of its Dockerfile.
        new_dockerfile: What is to stand there; none, where there is one.
        shipped: The stage that ships.
        tests: Its tests; none, where a pipeline.yaml says all of them.
        probed_path: Where it says over HTTP that it is ready, if it does.
        probed_why: The file, or the instruction, that names this path.
    """

    model_config = ConfigDict(frozen=True)

    app: str
    language: str | None
    dockerfile: str
    new_dockerfile: str | None
    shipped: Stage
    tests: SeenTests | None
    probed_path: str | None
    probed_why: str

    @property
    def there(self) -> list[str]:
        """The app's own files that are there already."""
        dockerfile = [] if self.new_dockerfile else [self.dockerfile]
        return [*dockerfile, *([] if self.tests else [pipeline.FILE])]


def look_at(root: Path, app: str | None = None) -> Seen:
    """Look at an app's checkout.

    Args:
        root: The folder that has, or will have, its pipeline.yaml.
        app: Its name; that in its pipeline.yaml, or else that of the folder, if empty.

    Raises:
        RefuseError: There is too little to see: no tests, no stage that can run them, nothing that
            says how the app is started. Or its pipeline.yaml is wrong, or another app's.
    """
    tree = tree_of(root)
    known = _pipeline_in(tree)
    name = _name(root, app, known)
    languages = [language for language in LANGUAGES if language.recognizes(tree)]
    language = next((each for each in languages if each.suite(tree)), next(iter(languages), None))
    path = known.image.dockerfile if known else tree.first(_DOCKERFILES)
    there = path is not None and bool(tree.text(path))
    path = path or _DOCKERFILES[0]
    text = tree.text(path) if there else _new_dockerfile(language, tree)
    stages = read_stages(text)
    if not stages:
        raise _refusal("The Dockerfile has no stage.", str(root / path), "a line FROM", text[:200])
    shipped = _named(stages, known.image.target) if known else shipped_stage(stages)
    probed_path, probed_why = _probed(tree, shipped, path)
    return Seen(
        app=name,
        language=language.recognizes(tree) if language else None,
        dockerfile=path,
        new_dockerfile=None if there else text,
        shipped=shipped,
        tests=None if known else _tests(tree, language, stages, shipped, path),
        probed_path=probed_path,
        probed_why=probed_why,
    )


def _pipeline_in(tree: Tree) -> Pipeline | None:
    file = tree.first([pipeline.FILE])
    return read_pipeline(tree.text(file), str(tree.root / file)) if file else None


def _name(root: Path, given: str | None, known: Pipeline | None) -> str:
    if known is not None and given not in {None, known.app}:
        where = str(root / pipeline.FILE)
        raise _refusal("It is another app's.", where, f"app: {given}", f"app: {known.app}")
    from_folder = re.sub(r"[^a-z0-9]+", "-", root.absolute().name.lower()).strip("-")
    name = known.app if known else given or from_folder
    check_names(app=name)
    return name


def _new_dockerfile(language: type[Language] | None, tree: Tree) -> str:
    if language is None:
        names = ", ".join(tree.files[:10]) or "an empty folder"
        expected = "a Dockerfile; or an app in Python, Go or Node"
        raise _refusal("There is no Dockerfile.", str(tree.root), expected, names)
    return language.dockerfile(tree)


def _named(stages: Sequence[Stage], target: str | None) -> Stage:
    return next((stage for stage in stages if stage.name == target), stages[-1])


def _tests(
    tree: Tree,
    language: type[Language] | None,
    stages: Sequence[Stage],
    shipped: Stage,
    dockerfile: str,
) -> SeenTests:
    suite = language.suite(tree) if language else None
    if language is None or suite is None:
        raise RefuseError(
            "There are no tests that Shipway knows of.",
            where=str(tree.root),
            expected="files such as tests/test_app.py, app_test.go or tests/app.test.js",
            got=", ".join(tree.files[:10]) or "an empty folder",
            untouched=UNTOUCHED,
            remedy="add a test; or write the pipeline.yaml yourself, as docs/testing.md tells for "
            "any tool, and run this again for the ops repository",
        )
    ignored = tree.text(".dockerignore").splitlines()
    if suite.folder in {line.strip().removeprefix("**/").strip("/") for line in ignored}:
        where, expected = str(tree.root / ".dockerignore"), f"{suite.folder} in the image of tests"
        raise _refusal("The tests reach no image.", where, expected, f"the line {suite.folder}")
    can = [
        stage
        for stage in stages
        if stage.is_for_tests or (language.can_test(stage, tree) and stage.copies(suite.folder))
    ]
    if not can:
        ships = shipped.name if shipped.named else "runtime"
        lines = language.test_stage.format(shipped=ships)
        naming = "" if shipped.named else f"name the stage that ships `AS {ships}`, and "
        raise RefuseError(
            "No stage of the Dockerfile can run the tests.",
            where=str(tree.root / dockerfile),
            expected=f"a stage that has the test tool, and a copy of {suite.folder}",
            got=", ".join(stage.name for stage in stages),
            untouched=UNTOUCHED,
            remedy=f"{naming}add at the end:\n{lines}",
        )
    best = next((stage for stage in can if stage.is_for_tests), can[-1])
    return SeenTests(suite=suite, stage=None if best == shipped else best.name)


def _probed(tree: Tree, shipped: Stage, dockerfile: str) -> tuple[str | None, str]:
    """The path that says whether the app is ready, and where that was seen."""
    if path := shipped.probed_path:
        return path, f"HEALTHCHECK in {dockerfile}"
    code = [name for name in tree.matching(_CODE) if not re.fullmatch(_TESTS, name)]
    for path in _HEALTH_PATHS:
        for name in code:
            if re.search(rf"[\"'`]{path}/?[\"'`]", tree.text(name)):
                return path, name
    return None, ""


def _refusal(what: str, where: str, expected: str, got: str) -> RefuseError:
    return RefuseError(what, where=where, expected=expected, got=got, untouched=UNTOUCHED)
