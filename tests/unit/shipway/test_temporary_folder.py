from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shipway.temporary_folder import remove_abandoned_folders, temporary_folder

KILLED = """
import os, signal
from shipway.temporary_folder import temporary_folder
with temporary_folder("build") as folder:
    (folder / "secret").write_text("hunter2")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def killed() -> Path:
    command = [sys.executable, "-c", KILLED]
    return Path(subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip())


def test_a_folder_is_this_users_alone_and_gone_afterwards(temporary: Path) -> None:
    with temporary_folder("build") as folder:
        assert folder.parent == temporary
        assert folder.name.startswith("shipway-build-")
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_what_a_killed_process_left_is_removed_and_what_is_used_is_not(temporary: Path) -> None:
    left = killed()
    assert (left / "secret").exists()
    with temporary_folder("git") as used:
        assert remove_abandoned_folders() == 1
        assert used.exists()
    assert list(temporary.iterdir()) == []


def test_what_is_not_ours_stays(temporary: Path) -> None:
    left = killed()
    elsewhere = temporary / "elsewhere"
    left.rename(elsewhere)
    (temporary / "shipway-link").symlink_to(elsewhere)
    (temporary / "shipway-other").mkdir()
    assert remove_abandoned_folders() == 0
    assert (elsewhere / "secret").exists()
