from __future__ import annotations

from pathlib import Path

import pytest

from shipway.errors import RefuseError
from tests.support.origin import Origin
from tests.support.rolling_environment import RollingEnvironment


@pytest.fixture
def environment(origin: Origin, tmp_path: Path) -> RollingEnvironment:
    return RollingEnvironment(origin, Origin(tmp_path / "app"))


@pytest.mark.parametrize("revision", ["", "f00"])
def test_a_hold_that_is_not_there_is_not_cleared(
    environment: RollingEnvironment, revision: str
) -> None:
    with pytest.raises(RefuseError, match="There is no single hold on"):
        environment.clear_hold(revision, "why", "Ada")
    assert environment.origin.tip() == environment.start
