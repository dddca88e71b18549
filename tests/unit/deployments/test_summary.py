from __future__ import annotations

from pathlib import Path

import pytest
from prefect.filesystems import LocalFileSystem

from deployments import summary


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    async def here() -> LocalFileSystem:
        return LocalFileSystem(basepath=str(tmp_path))

    monkeypatch.setattr(summary, "aget_default_result_storage", here)
    return tmp_path


async def test_the_junit_xml_is_read_from_where_results_are_kept(storage: Path) -> None:
    (storage / "junit.xml").write_bytes(b"<testsuites/>")
    assert await summary.junit({"junit": "junit.xml"}) == b"<testsuites/>"


@pytest.mark.parametrize("place", ["none.xml", "../junit.xml"])
async def test_a_storage_of_another_machine_is_an_error_that_says_what_to_do(
    storage: Path, place: str
) -> None:
    with pytest.raises(OSError, match="PREFECT_DEFAULT_RESULT_STORAGE_BLOCK"):
        await summary.junit({"junit": place})


@pytest.mark.parametrize("row", [{}, {"junit": None}])
async def test_a_run_that_came_to_no_layer_has_none(storage: Path, row: dict[str, None]) -> None:
    with pytest.raises(LookupError, match="the run came to no layer"):
        await summary.junit(row)
