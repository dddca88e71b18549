"""Python apps."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, ClassVar, NamedTuple

from shipway.config.pipeline import DEFAULT_WEIGHTS
from shipway.init.dockerfile import Stage
from shipway.init.languages.language import (
    DEFAULT_PORT,
    port_in,
    procfile_command,
    unknown_start,
)
from shipway.init.suite import SeenLayer, SeenSuite, all_within, common_folder, layer_folders
from shipway.init.tree import Tree

_MARKERS = ("pyproject.toml", "requirements.txt", "setup.py", "setup.cfg", "Pipfile")
_TEST = r"(?:.*/)?(?:test_[^/]*|[^/]*_test)\.py"
_INSTALLS_TESTS = re.compile(r"pytest|\.\[|\buv sync|poetry install|pipenv (install|sync)")
_TEST_REQUIREMENTS = ("requirements-test.txt", "requirements-dev.txt")
# Scripts of tools.
_NO_APPS = ("manage.py", "setup.py")


class _Server(NamedTuple):
    """What serves the app that a module makes.

    Attributes:
        listed: How it is named among the app's packages.
        made: The line that makes the app, with its name.
        command: What starts it.
    """

    listed: str
    made: str
    command: str


_SERVERS = (
    _Server(
        r"uvicorn|fastapi\[",
        r"^(\w+)(?::.*)? = (?:FastAPI|Starlette)\(",
        "uvicorn {module}:{name} --host 0.0.0.0 --port {port}",
    ),
    _Server(
        r"gunicorn",
        r"^(\w+)(?::.*)? = (?:Flask|get_wsgi_application)\(",
        "gunicorn --bind 0.0.0.0:{port} {module}:{name}",
    ),
)
_DOCKERFILE = """\
ARG BASE=python:{version}-slim

FROM ${{BASE}} AS dependencies
WORKDIR /app
RUN python3 -m venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1{path}
{install}
FROM dependencies AS test
{test_install}

FROM ${{BASE}} AS runtime
WORKDIR /app
COPY --from=dependencies /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1{path} PORT={port}
COPY . .
USER 10001
EXPOSE {port}
CMD {command}
"""


class Python:
    """An app that is tested by pytest."""

    test_stage: ClassVar = (
        "FROM {shipped} AS test\nUSER root\nRUN pip install --no-cache-dir pytest\nCOPY . ."
    )

    @classmethod
    def recognizes(cls, tree: Tree) -> str | None:
        """By what its packages are written down in, a module or a test."""
        return tree.first(_MARKERS) or next(iter(tree.matching(rf"[^/]+\.py|{_TEST}")), None)

    @classmethod
    def suite(cls, tree: Tree) -> SeenSuite | None:
        """The folders tests/unit, tests/integration and tests/e2e; whatever else there is is unit.

        `python -m` has pytest find the app's packages beside the tests, installed or not.
        """
        files = tree.matching(_TEST)
        if not files:
            return None
        folder, folders = common_folder(files), layer_folders(files)
        arguments = {name: [path] for name, path in folders.items()}
        if not all_within(files, folders.values()):
            others = {name: path for name, path in folders.items() if name != "unit"}
            whole = [] if folder == "." else [folder]
            arguments["unit"] = [*whole, *(f"--ignore={path}" for path in others.values())]
        layers = tuple(
            SeenLayer(name, f"command: [{', '.join(['python', '-m', 'pytest', *words])}]")
            for name in DEFAULT_WEIGHTS
            if (words := arguments.get(name)) is not None
        )
        return SeenSuite(folder, layers, f"tests such as {files[0]}")

    @classmethod
    def can_test(cls, stage: Stage, tree: Tree) -> bool:
        """Its instructions name pytest, or what brings it."""
        listed = re.findall(r"[\w./-]+\.txt", stage.text)
        texts = [stage.text, *(tree.text(name.removeprefix("./")) for name in listed)]
        return any(_INSTALLS_TESTS.search(text) for text in texts)

    @classmethod
    def dockerfile(cls, tree: Tree) -> str:
        """The app with its packages in a virtual environment."""
        project = _project(tree)
        port, command = _start(tree)
        pinned = re.match(r"3\.\d+", tree.text(".python-version"))
        return _DOCKERFILE.format(
            version=pinned[0] if pinned else "3.13",
            path=" PYTHONPATH=/app/src" if tree.matching(r"src/.*\.py") and not project else "",
            install=_install(tree, project),
            test_install=_test_install(tree, project),
            port=port,
            command=command,
        )


def _install(tree: Tree, project: dict[str, Any]) -> str:
    if tree.first(["requirements.txt"]):
        copy = "COPY requirements.txt ."
        return f"{copy}\nRUN pip install --no-cache-dir -r requirements.txt\n"
    return "COPY . .\nRUN pip install --no-cache-dir .\n" if project else ""


def _test_install(tree: Tree, project: dict[str, Any]) -> str:
    pip = "RUN pip install --no-cache-dir"
    if file := tree.first(_TEST_REQUIREMENTS):
        return f"COPY {file} .\n{pip} -r {file} pytest\nCOPY . ."
    extras = project.get("optional-dependencies", {})
    if extra := next((name for name in ("test", "tests", "dev") if name in extras), None):
        return f'COPY . .\n{pip} ".[{extra}]" pytest'
    return f"{pip} pytest\nCOPY . ."


def _start(tree: Tree) -> tuple[int, str]:
    """The port that the app listens at, and what starts it, as CMD takes it."""
    modules = _modules(tree)
    if command := procfile_command(tree):
        return port_in(tree, modules), f"exec {command}"
    if words := _served(tree, modules):
        return DEFAULT_PORT, json.dumps(words)
    for file in modules:
        if file.endswith("/__main__.py"):
            package = file.removeprefix("src/").removesuffix("/__main__.py")
            return port_in(tree, modules), json.dumps(["python3", "-m", package])
    script = tree.first(["main.py", "app.py", "server.py"]) or _only_script(tree, modules)
    if script is None:
        raise unknown_start(
            tree,
            "a main.py, a package with a __main__.py, FastAPI with uvicorn, WSGI with gunicorn",
        )
    return port_in(tree, modules), json.dumps(["python3", script])


def _served(tree: Tree, modules: list[str]) -> list[str]:
    packages = tree.text("requirements.txt") + tree.text("pyproject.toml")
    for server in _SERVERS:
        for file in modules if re.search(server.listed, packages) else ():
            if made := re.search(server.made, tree.text(file), re.MULTILINE):
                module = file.removeprefix("src/").removesuffix(".py").replace("/", ".")
                words = {"module": module, "name": made[1], "port": DEFAULT_PORT}
                return server.command.format(**words).split()
    return []


def _only_script(tree: Tree, modules: list[str]) -> str | None:
    scripts = [
        file
        for file in modules
        if "/" not in file and file not in _NO_APPS and "__main__" in tree.text(file)
    ]
    return scripts[0] if len(scripts) == 1 else None


def _modules(tree: Tree) -> list[str]:
    """The modules at the top, and those of packages there or in src."""
    files = tree.matching(r"(?:src/)?(?:[^/]+/)?[^/]+\.py")
    return [file for file in files if not re.fullmatch(rf"{_TEST}|tests?/.*|docs/.*", file)]


def _project(tree: Tree) -> dict[str, Any]:
    """What pyproject.toml says of the app as a package; nothing, if it is none."""
    return tree.table("pyproject.toml", tomllib.loads).get("project", {})
