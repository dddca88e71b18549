from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shipway.cli import sandbox
from shipway.errors import RefuseError


@pytest.mark.parametrize("what", [sandbox.up, sandbox.down])
def test_without_a_checkout_it_says_where_the_sandbox_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: Callable[[], int]
) -> None:
    monkeypatch.setattr(sandbox, "SANDBOX", tmp_path / "docker" / "sandbox")
    with pytest.raises(RefuseError, match="not part of an installed package"):
        what()
