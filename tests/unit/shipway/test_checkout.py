from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from shipway.checkout import read_code
from shipway.errors import RefuseError
from shipway.git.revision import Revision

ORIGIN = "https://git.example.org/shop at c1, folder ."
REVISION = Revision(
    commit="c1", tree="t1", author="Ada", subject="change", at=datetime(2026, 11, 24, tzinfo=UTC)
)
PIPELINE = """\
app: shop
tests: {layers: {unit: {command: [pytest], runner: process, reads: [src]}}}
"""


def refusal(folder: Path) -> RefuseError:
    with pytest.raises(RefuseError) as caught:
        read_code("shop", REVISION, folder, ORIGIN)
    return caught.value


def test_a_checkout_is_read_with_its_pipeline(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    code = read_code("shop", REVISION, tmp_path, ORIGIN)
    assert (code.app, code.revision, code.folder) == ("shop", REVISION, tmp_path)
    assert list(code.pipeline.tests.layers) == ["unit"]


def test_without_a_pipeline_nothing_is_built(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert (error.what, error.facts["where"]) == ("There is no pipeline.yaml.", ORIGIN)


def test_a_link_is_no_pipeline(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(PIPELINE)
    (tmp_path / "pipeline.yaml").symlink_to(tmp_path / "secret")
    assert refusal(tmp_path).what == "There is no pipeline.yaml."


def test_the_pipeline_of_another_app_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE.replace("shop", "cart"))
    error = refusal(tmp_path)
    assert error.what == "The pipeline.yaml is another app's."
    assert (error.facts["expected"], error.facts["got"]) == ("app: shop", "app: cart")


def test_a_layer_that_reads_what_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    error = refusal(tmp_path)
    assert error.what == "A layer reads what is not there."
    assert error.facts["where"] == "pipeline.yaml@c1: tests.layers.unit.reads"
    assert error.facts["got"] == "src"
