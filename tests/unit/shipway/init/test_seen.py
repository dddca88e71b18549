from __future__ import annotations

from pathlib import Path

import pytest

from shipway.config.pipeline import Pipeline, read_pipeline
from shipway.errors import RefuseError
from shipway.init.app_files import pipeline_file
from shipway.init.seen import Seen, look_at
from tests.support.trees import write_tree

TWO = "FROM a AS test\nRUN pip install pytest\nCOPY . .\nFROM a AS runtime\n"
ONE = "FROM python\nRUN pip install pytest\nCOPY . .\n"
PYTHON = {"shop/__init__.py": "", "requirements.txt": "", "tests/test_a.py": ""}
GO = {"go.mod": "module x\n\ngo 1.24\n", "main.go": "package main\n", "a_test.go": ""}
NODE = {"package.json": "{}", "server.js": "", "tests/a.test.js": ""}
PYTEST = ["python", "-m", "pytest"]


def seen_in(root: Path, files: dict[str, str]) -> Seen:
    """What is seen of an app with these files; the name of the folder is its name."""
    return look_at(write_tree(root / "My_shop", files))


def pipeline_of(root: Path, files: dict[str, str]) -> Pipeline:
    """The pipeline.yaml that is made of it, read as a release reads it."""
    seen = seen_in(root, files)
    assert seen.tests is not None
    return read_pipeline(pipeline_file(seen, seen.tests).text)


def commands(pipeline: Pipeline) -> dict[str, list[str]]:
    return {name: layer.command for name, layer in pipeline.tests.layers.items()}


def refusal(root: Path, files: dict[str, str]) -> str:
    with pytest.raises(RefuseError) as caught:
        seen_in(root, files)
    return str(caught.value)


@pytest.mark.parametrize(
    ("files", "layers"),
    [
        (["tests/test_a.py"], {"unit": ["tests"]}),
        (["tests/a_test.py", "tests/web/test_b.py"], {"unit": ["tests"]}),
        (["test_a.py"], {"unit": []}),
        (["shop/test_a.py", "tests/test_b.py"], {"unit": []}),
        (["test/test_a.py"], {"unit": ["test"]}),
        (
            ["tests/unit/test_a.py", "tests/integration/test_b.py", "tests/e2e/x/test_c.py"],
            {"unit": ["tests/unit"], "integration": ["tests/integration"], "e2e": ["tests/e2e"]},
        ),
        (["tests/e2e/test_a.py"], {"e2e": ["tests/e2e"]}),
        # No test is left out, and none runs twice.
        (
            ["tests/test_a.py", "tests/unit/test_b.py", "tests/e2e/test_c.py"],
            {"unit": ["tests", "--ignore=tests/e2e"], "e2e": ["tests/e2e"]},
        ),
        (
            ["shop/test_a.py", "test/e2e/test_c.py"],
            {"unit": ["--ignore=test/e2e"], "e2e": ["test/e2e"]},
        ),
    ],
)
def test_folders_of_pytest_are_layers(
    tmp_path: Path, files: list[str], layers: dict[str, list[str]]
) -> None:
    pipeline = pipeline_of(tmp_path, {"Dockerfile": TWO, **dict.fromkeys(files, "")})
    assert commands(pipeline) == {name: [*PYTEST, *words] for name, words in layers.items()}
    weights = {"unit": 70, "integration": 20, "e2e": 10}
    written = {name: layer.weight for name, layer in pipeline.tests.layers.items()}
    assert written == {name: weights[name] if len(layers) > 1 else None for name in layers}


@pytest.mark.parametrize(
    ("dockerfile", "image", "tests"),
    [
        (TWO, "runtime", "test"),
        (ONE, None, None),
        ("FROM a AS web\nRUN pip install pytest\nCOPY . .", "web", None),
        ("FROM a\nFROM python AS test\n", "0", "test"),
        ("FROM a AS dev\nRUN uv sync\nCOPY . .\nFROM a\nCOPY shop .", "1", "dev"),
        ("FROM a AS dev\nCOPY dev.txt .\nRUN pip install -r dev.txt\nCOPY tests .\nFROM a AS web",
         "web", "dev"),
    ],
)  # fmt: skip
def test_the_stages_that_ship_and_test(
    tmp_path: Path, dockerfile: str, image: str | None, tests: str | None
) -> None:
    pipeline = pipeline_of(tmp_path, {**PYTHON, "dev.txt": "pytest", "Dockerfile": dockerfile})
    assert (pipeline.app, pipeline.image.target, pipeline.tests.target) == ("my-shop", image, tests)


def test_a_dockerfile_may_lie_elsewhere(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, {**PYTHON, "docker/Dockerfile": TWO})
    assert pipeline.image.dockerfile == "docker/Dockerfile"


@pytest.mark.parametrize(
    ("files", "globs"),
    [
        (["tests/a.test.js"], {"unit": "tests/**/*.test.js"}),
        (["src/a.spec.ts", "src/x/b.spec.ts"], {"unit": "src/**/*.spec.ts"}),
        (["a-test.mjs"], {"unit": "**/*-test.mjs"}),
        (
            ["tests/unit/a.test.js", "tests/e2e/b.spec.js"],
            {"unit": "tests/unit/**/*.test.js", "e2e": "tests/e2e/**/*.spec.js"},
        ),
        (["tests/a.test.js", "tests/e2e/b.test.js"], {"unit": "tests/**/*.test.js"}),
    ],
)
def test_files_of_node_are_found_by_the_layers_glob(
    tmp_path: Path, files: list[str], globs: dict[str, str]
) -> None:
    stages = "FROM node AS test\nCOPY . .\nFROM node AS runtime\n"
    others = {"package.json": "{}", "node_modules/x/x.test.js": "", "Dockerfile": stages}
    pipeline = pipeline_of(tmp_path, {**others, **dict.fromkeys(files, "")})
    layers = pipeline.tests.layers
    assert {name: layer.files for name, layer in layers.items()} == globs
    assert {layer.tool_name for layer in layers.values()} == {"tap"}
    root = tmp_path / "My_shop"
    found = {
        file.relative_to(root).as_posix()
        for layer in layers.values()
        for file in root.glob(str(layer.files))
        if "node_modules" not in file.parts
    }
    assert found == set(files)


@pytest.mark.parametrize(
    ("package", "word"),
    [
        ('{"scripts": {"test": "vitest"}}', "vitest"),
        ('{"devDependencies": {"jest": "*", "jest-junit": "*"}}', "jest"),
        ('{"scripts": {"test": "node --test"}}', "node"),
    ],
)
def test_the_runner_of_node_is_the_one_of_package_json(
    tmp_path: Path, package: str, word: str
) -> None:
    files = {**NODE, "package.json": package}
    assert word in " ".join(commands(pipeline_of(tmp_path, files))["unit"])


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ('{"scripts": {"test": "ava"}}', "got:       ava"),
        ('{"devDependencies": {"jest": "*"}}', "npm install --save-dev jest-junit"),
        ("{", "The package.json cannot be read."),
    ],
)
def test_a_runner_that_tells_nothing_is_refused(tmp_path: Path, package: str, words: str) -> None:
    assert words in refusal(tmp_path, {**NODE, "package.json": package})


def test_files_that_no_one_glob_fits_are_refused(tmp_path: Path) -> None:
    assert "got:       .spec.js, .test.js" in refusal(tmp_path, {**NODE, "tests/b.spec.js": ""})


def test_go_is_one_layer_in_the_stage_with_the_toolchain(tmp_path: Path) -> None:
    stages = (
        "FROM golang AS build\nCOPY . .\nRUN go build -o /a\nFROM scratch\nCOPY --from=build /a /"
    )
    pipeline = pipeline_of(tmp_path, {**GO, "Dockerfile": stages})
    assert commands(pipeline) == {"unit": ["go", "test", "./..."]}
    assert (pipeline.image.target, pipeline.tests.target) == ("1", "build")


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        (
            PYTHON,
            ["ARG BASE=python:3.13-slim", "COPY requirements.txt .", 'CMD ["python3", "main.py"]'],
        ),
        (
            {"pyproject.toml": "[project]\noptional-dependencies.dev = []\n", "test_a.py": ""},
            ["RUN pip install --no-cache-dir .", 'RUN pip install --no-cache-dir ".[dev]" pytest'],
        ),
        ({**PYTHON, ".python-version": "3.12.1\n"}, ["ARG BASE=python:3.12-slim"]),
        (
            {**PYTHON, "requirements-dev.txt": "pytest"},
            ["RUN pip install --no-cache-dir -r requirements-dev.txt pytest"],
        ),
        ({**PYTHON, "main.py": "db = connect(port=5432)\nrun(port=5000)\n"}, ["EXPOSE 5000"]),
        ({**PYTHON, "main.py": "connect('10.0.0.1:6379')\n"}, ["EXPOSE 8080"]),
        ({**PYTHON, "Procfile": "web: gunicorn a:b\n"}, ["CMD exec gunicorn a:b"]),
        (
            {**PYTHON, "shop/web.py": "app: A = FastAPI()\n", "requirements.txt": "uvicorn"},
            [
                'CMD ["uvicorn", "shop.web:app", "--host", "0.0.0.0", "--port", "8080"]',
                "EXPOSE 8080",
            ],
        ),
        (
            {**PYTHON, "web/wsgi.py": "application = get_wsgi_application()\n",
             "requirements.txt": "django\ngunicorn"},
            ['CMD ["gunicorn", "--bind", "0.0.0.0:8080", "web.wsgi:application"]'],
        ),
        (
            {"src/shop/__main__.py": "", "tests/test_a.py": "", "requirements.txt": ""},
            ['CMD ["python3", "-m", "shop"]', "ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 "
             "PYTHONPATH=/app/src"],
        ),
        (GO, ["ARG GO=golang:1.24", "RUN go build -o /server ./", "EXPOSE 8080"]),
        (
            {"go.mod": "", "cmd/shop/main.go": "package main\n", "cart/a_test.go": ""},
            ["ARG GO=golang:1", "RUN go build -o /server ./cmd/shop"],
        ),
        (NODE, ["RUN npm install", "RUN npm prune --omit=dev", 'CMD ["node", "server.js"]']),
        (
            {"app.js": "x.listen(3000)", "a.test.js": ""},
            ["EXPOSE 3000", 'CMD ["node", "app.js"]'],
        ),
        (
            {**NODE, "package-lock.json": "", "package.json": '{"scripts": {"build": "tsc", '
             '"start": "node dist/a.js --fast"}}'},
            ["RUN npm ci", "RUN npm run build", 'CMD ["node", "dist/a.js", "--fast"]'],
        ),
    ],
)  # fmt: skip
def test_without_a_dockerfile_one_is_written(
    tmp_path: Path, files: dict[str, str], lines: list[str]
) -> None:
    # Named like a script of the app, so that only what matters stands in the table.
    main = {} if {"go.mod", "package.json", "app.js"} & files.keys() else {"main.py": ""}
    seen = seen_in(tmp_path, {**main, **files})
    written = seen.new_dockerfile or ""
    assert [
        line for line in lines if not any(each.startswith(line) for each in written.splitlines())
    ] == []
    assert (seen.shipped.name, seen.shipped.has_plain_user) == ("runtime", True)
    assert seen.tests is not None
    assert seen.tests.stage == "test"


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"main.py": '@app.get("/healthz")\n@app.get("/readyz")\n'}, "/readyz"),
        ({"main.py": "if self.path == '/health':\n"}, "/health"),
        ({"main.py": "", "tests/test_b.py": 'get("/healthz")'}, None),
        ({"main.py": "# /healthz would be good to have\n"}, None),
    ],
)
def test_a_path_is_probed_only_where_something_names_it(
    tmp_path: Path, files: dict[str, str], path: str | None
) -> None:
    assert seen_in(tmp_path, {**PYTHON, "Dockerfile": ONE, **files}).probed_path == path


def test_a_pipeline_that_is_there_says_what_ships(tmp_path: Path) -> None:
    text = "app: cart\nimage: {target: web}\ntests: {layers: {unit: {command: [make, test]}}}\n"
    dockerfile = "FROM a AS web\nEXPOSE 1234\nFROM a AS runtime\n"
    seen = seen_in(tmp_path, {"pipeline.yaml": text, "Dockerfile": dockerfile, "a.rs": ""})
    assert (seen.app, seen.shipped.port, seen.tests) == ("cart", 1234, None)
    assert seen.there == ["Dockerfile", "pipeline.yaml"]
    with pytest.raises(RefuseError, match="another app's"):
        look_at(tmp_path / "My_shop", "shop")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "There is no Dockerfile."),
        ({"main.rs": ""}, "an app in Python, Go or Node"),
        (
            {"requirements.txt": "", "tests/test_a.py": ""},
            "It is not known how the app is started.",
        ),
        (
            {"requirements.txt": "", "manage.py": "__main__"},
            "It is not known how the app is started.",
        ),
        ({"Dockerfile": "FROM a\n", "main.py": ""}, "There are no tests that Shipway knows of."),
        ({"Dockerfile": "# nothing\n", **PYTHON}, "The Dockerfile has no stage."),
        ({"pipeline.yaml": "app: [\n", **PYTHON}, "pipeline.yaml"),
        (
            {"Dockerfile": ONE, ".dockerignore": "**/tests/\n", **PYTHON},
            "The tests reach no image.",
        ),
        ({"pyproject.toml": "[", "main.py": "", "test_a.py": ""}, "pyproject.toml cannot be read"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, files: dict[str, str], words: str) -> None:
    assert words in refusal(tmp_path, files)


@pytest.mark.parametrize(
    ("dockerfile", "ships"),
    [
        ("FROM python AS web\nCOPY shop .\n", "web"),
        ("FROM python AS runtime\nRUN pip install pytest\nCOPY shop .\n", "runtime"),
        ("FROM python\nCOPY . .\n", "runtime"),
    ],
)
def test_a_dockerfile_that_cannot_test_is_told_the_lines_that_it_needs(
    tmp_path: Path, dockerfile: str, ships: str
) -> None:
    said = refusal(tmp_path, {**PYTHON, "Dockerfile": dockerfile})
    assert "No stage of the Dockerfile can run the tests." in said
    lines = said.partition("add at the end:\n")[2].splitlines()
    # As pasted, with its first line mended where the error says so.
    mended = dockerfile.replace("FROM python\n", "FROM python AS runtime\n") + "\n".join(
        line.strip() for line in lines
    )
    pipeline = pipeline_of(tmp_path, {**PYTHON, "Dockerfile": mended})
    assert (pipeline.image.target, pipeline.tests.target) == (ships, "test")
