"""What `shipway why` prints of who approved; Git is real."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.cli import why
from shipway.release import Release
from shipway.rollout.commit import commit_release
from tests.support.app_environments import SHOP
from tests.support.origin import Origin
from tests.support.rolling_environment import RollingEnvironment, image


def test_who_signed_an_approval_and_the_commit_are_shown(
    origin: Origin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shop = RollingEnvironment(origin, Origin(tmp_path / "app"))
    by = "ada@example.org (signed, SHA256:x)"
    notes = {"Approved-By": by, "Approved-In": "a" * 40}
    release, step = Release(revision=shop.newer, image=image(1)), shop.step(image(1))
    commit_release(shop.ops, shop.source, shop.target(), step, release, notes, shop.run)
    monkeypatch.setattr(why, "connect", lambda: None)
    monkeypatch.setattr(why, "ops_repository", lambda _: shop.ops)
    assert why.why(SHOP.app, SHOP.environment) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert f"approved by:      {by}" in lines
    assert f"approved in:      {'a' * 40}" in lines
