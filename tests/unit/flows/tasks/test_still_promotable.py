"""A version that a person was asked about, and what became of it where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.tasks import find_promotable
from flows.tasks.find_promotable import check_still_promotable
from shipway.config.rollout import Promotion
from shipway.errors import RefuseError
from shipway.release import Release
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.rolling_environment import RollingEnvironment, image
from tests.support.run_contexts import run_context


async def test_it_is_refused_once_it_is_rolled_back_there(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = RollingEnvironment(origin, Origin(tmp_path / "app"))

    async def load_block(_kind: type) -> Any:
        return source.ops

    monkeypatch.setattr(find_promotable, "load_block", load_block)
    release = Release(revision=source.newer, image=image(2))
    promotion = Promotion(source=("qa", SHOP.environment))
    for number, revision in ((1, source.older), (2, source.newer)):
        source.run = run_context(number)
        source.release(revision, image(number))
    await check_still_promotable.fn(SHOP.app, promotion, release)
    source.roll_back()
    with pytest.raises(RefuseError, match="on hold"):
        await check_still_promotable.fn(SHOP.app, promotion, release)
