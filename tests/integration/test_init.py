"""What `shipway init` writes, built and run for real."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from docker import DockerClient
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from shipway.cli.init import init
from shipway.pyramid.plan import Plan
from tests.support.built_app import BuiltApp
from tests.support.project import HOME
from tests.support.telling import tell
from tests.support.trees import write_tree

# Nothing installs the package, and no setting of pytest names its place.
PYTHON = {
    "shop/__init__.py": "",
    "shop/prices.py": "def total(prices):\n    return sum(prices)\n",
    "shop/__main__.py": (HOME / "examples" / "hello" / "hello.py").read_text(),
    "tests/test_prices.py": (
        "from shop.prices import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"
    ),
}
ASK = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080').read().decode())"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An app's folder, and the current one."""
    code = tmp_path / "shop"
    code.mkdir()
    monkeypatch.chdir(code)
    return code


async def test_a_python_app_with_its_package_beside_the_tests(
    folder: Path, python_image: str, engine: DockerClient
) -> None:
    write_tree(folder, PYTHON)
    assert init() == 0
    app = BuiltApp(folder, python_image)
    async with app.place() as place:
        told = await tell(place, app.tool(), Plan())
    assert told.outcomes() == {"tests/test_prices.py::test_total": "passed"}
    container = engine.containers.run(await app.build("runtime"), detach=True)
    try:
        # It is asked as soon as it runs: it may not listen yet.
        ask = retry(
            retry=retry_if_result(lambda answer: answer.exit_code != 0),
            stop=stop_after_delay(30),
            wait=wait_fixed(0.2),
        )(container.exec_run)
        assert ask(["python3", "-c", ASK]).output == b"Hello, world!\n"
        assert container.exec_run(["id", "-u"]).output == b"10001\n"
    finally:
        container.remove(force=True)


async def test_a_node_app(folder: Path, python_image: str) -> None:
    shutil.copytree(HOME / "examples" / "languages" / "node", folder, dirs_exist_ok=True)
    (folder / "pipeline.yaml").unlink()
    assert init() == 0
    app = BuiltApp(folder, python_image)
    async with app.place() as place:
        told = await tell(place, app.tool(), Plan())
    assert {test.file for test in told.results} == {"tests/price.test.js", "tests/total.test.js"}
    assert set(told.outcomes().values()) == {"passed"}
