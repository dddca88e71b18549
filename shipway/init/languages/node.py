"""Node apps."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, ClassVar

from shipway.errors import RefuseError
from shipway.init.dockerfile import Stage
from shipway.init.languages.language import port_in, procfile_command, unknown_start
from shipway.init.new_file import UNTOUCHED
from shipway.init.suite import SeenLayer, SeenSuite, all_within, common_folder, layer_folders
from shipway.init.tree import Tree

_TEST = r"(?:.*/)?[^/]*?([._-](?:test|spec)\.[cm]?[jt]sx?)"
# TAP tells of a failure at once, JUnit XML of everything at the end.
_NODE_TEST = """\
command:
  - sh
  - -c
  - exec node --test --test-reporter=tap --test-reporter-destination=stdout
    --test-reporter=junit --test-reporter-destination=$SHIPWAY_JUNIT "$@"
  - node
  - "{files}"
tool: tap"""
_VITEST = """\
command:
  - sh
  - -c
  - exec npx vitest run --reporter=junit --outputFile=$SHIPWAY_JUNIT "$@"
  - vitest
  - "{files}\""""
_JEST = """\
command:
  - sh
  - -c
  - JEST_JUNIT_OUTPUT_FILE=$SHIPWAY_JUNIT exec npx jest "$@" --reporters=jest-junit
  - jest
  - "{files}"
env: {JEST_JUNIT_ADD_FILE_ATTRIBUTE: "true"}"""
# The first that package.json or its test script names is the app's.
_RUNNERS = {"vitest": _VITEST, "jest": _JEST}
_DOCKERFILE = """\
ARG BASE=node:24-slim

FROM ${{BASE}} AS build
WORKDIR /app
{install}COPY . .
{build}
FROM build AS test

FROM build AS pruned
{prune}
FROM ${{BASE}} AS runtime
WORKDIR /app
ENV NODE_ENV=production PORT={port}
COPY --from=pruned /app .
USER 10001
EXPOSE {port}
CMD {command}
"""


class Node:
    """An app with Node's own test runner, vitest or jest."""

    test_stage: ClassVar = (
        "FROM node:24-slim AS test\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . ."
    )

    @classmethod
    def recognizes(cls, tree: Tree) -> str | None:
        """By its package.json, a script or a test."""
        scripts = tree.matching(rf"[^/]+\.[cm]?[jt]s|{_TEST}")
        return tree.first(["package.json"]) or next(iter(scripts), None)

    @classmethod
    def suite(cls, tree: Tree) -> SeenSuite | None:
        """Files that are named like tests.

        Raises:
            RefuseError: They are another runner's or of several kinds, or jest writes no JUnit XML.
        """
        files = tree.matching(_TEST)
        if not files:
            return None
        keys = _runner(tree)
        folder, folders = common_folder(files), layer_folders(files)
        if not all_within(files, folders.values()):
            folders = {"unit": folder}
        layers = tuple(
            SeenLayer(name, f"{keys}\nfiles: {_glob(tree, path, files)}")
            for name, path in folders.items()
        )
        return SeenSuite(folder, layers, f"tests such as {files[0]}")

    @classmethod
    def can_test(cls, stage: Stage, tree: Tree) -> bool:
        """It has Node, and the packages for development where there are any."""
        if not _package(tree).get("devDependencies"):
            return "node" in stage.text
        installs = re.findall(r"\b(?:npm|pnpm|yarn)\s+(?:ci|i|install)\b[^&\n]*", stage.text)
        return any(not re.search(r"--(omit|prod|only)", each) for each in installs)

    @classmethod
    def dockerfile(cls, tree: Tree) -> str:
        """The app with the packages that it runs with."""
        package = _package(tree)
        has_packages = tree.first(["package.json"])
        scripts = package.get("scripts", {})
        command = _command(tree, package)
        installs = "ci" if tree.first(["package-lock.json"]) else "install"
        return _DOCKERFILE.format(
            install=f"COPY package*.json ./\nRUN npm {installs}\n" if has_packages else "",
            build="RUN npm run build\n" if "build" in scripts else "",
            prune="RUN npm prune --omit=dev\n" if has_packages else "",
            command=command,
            port=port_in(tree, tree.matching(r"(src/)?[^/]+\.[cm]?[jt]s")),
        )


def _runner(tree: Tree) -> str:
    package = _package(tree)
    script = package.get("scripts", {}).get("test", "")
    known = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    name = next((name for name in _RUNNERS if name in known or name in script.split()), None)
    if name is None and (not script or "--test" in script):
        return _NODE_TEST
    if name is None or (name == "jest" and "jest-junit" not in known):
        raise RefuseError(
            "The app's tests write no JUnit XML that Shipway knows of.",
            where=str(tree.root / "package.json"),
            expected="node --test, vitest, or jest with jest-junit",
            got=script or "jest without jest-junit",
            untouched=UNTOUCHED,
            remedy="npm install --save-dev jest-junit"
            if name
            else "write the pipeline.yaml yourself: docs/testing.md tells how any tool is run",
        )
    return _RUNNERS[name]


def _glob(tree: Tree, folder: str, files: list[str]) -> str:
    """The pattern that fits the test files in a folder, and no others.

    Raises:
        RefuseError: There is none.
    """
    path = "" if folder == "." else f"{folder}/"
    inside = [file for file in files if file.startswith(path)]
    endings = {found[1] for file in inside if (found := re.fullmatch(_TEST, file))}
    if len(endings) != 1:
        raise RefuseError(
            "The tests are of several kinds.",
            where=str(tree.root / folder),
            expected="files with one ending, such as .test.js",
            got=", ".join(sorted(endings)),
            untouched=UNTOUCHED,
            remedy="name them alike, or in folders tests/unit and tests/e2e; or write the "
            "pipeline.yaml yourself, with a layer for each kind",
        )
    return f'"{path}**/*{endings.pop()}"'


def _command(tree: Tree, package: dict[str, Any]) -> str:
    """What starts the app, as CMD takes it."""
    start = package.get("scripts", {}).get("start", "")
    script = tree.first([package.get("main", "server.js"), "server.js", "index.js", "app.js"])
    if command := procfile_command(tree):
        return f"exec {command}"
    if start:
        words = shlex.split(start)
        return json.dumps(words if words[0] == "node" else ["npm", "start"])
    if script is None:
        raise unknown_start(tree, "a start script in package.json, a server.js or an index.js")
    return json.dumps(["node", script])


def _package(tree: Tree) -> dict[str, Any]:
    return tree.table("package.json", json.loads)
