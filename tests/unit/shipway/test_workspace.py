from __future__ import annotations

from pathlib import Path

import pytest

from shipway.workspace import workspace


@pytest.mark.parametrize(
    ("state", "cache", "place"),
    [
        ("state", "cache", "state"),
        ("", "cache", "cache/shipway"),
        (None, "cache", "cache/shipway"),
        (None, None, "home/.cache/shipway"),
        ("", "", "home/.cache/shipway"),
    ],
)
def test_the_folder_is_made_below_the_first_place_that_is_set(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    state: str | None,
    cache: str | None,
    place: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, value in (("SHIPWAY_STATE", state), ("XDG_CACHE_HOME", cache)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, str(tmp_path / value) if value else "")
    folder = workspace("a", "b")
    assert folder == tmp_path / place / "work" / "a" / "b"
    assert folder.is_dir()
    assert workspace("a", "b") == folder
