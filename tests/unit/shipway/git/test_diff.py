from __future__ import annotations

import pytest

from shipway.git.diff import git_diff
from tests.support.origin import Origin

BEFORE = {
    "prod/shop/web.yaml": b"a: 1\nspec:\n" + b"  b: 2\n" * 5 + b"  image: one",
    "prod/shop/odd name.yaml": b"a: 1\r\nb: 2\r\n",
}
AFTER = {
    "prod/shop/web.yaml": b"a: 1\nspec:\n" + b"  b: 2\n" * 5 + b"  image: two",
    "prod/shop/odd name.yaml": "a: 1\r\nb: \u00e4\r\n".encode(),
}


def test_a_diff_is_the_one_that_git_shows_of_the_commit(origin: Origin) -> None:
    before, after = origin.commit(BEFORE), origin.commit(AFTER)
    shown = origin.bare.git.diff(before, after, strip_newline_in_stdout=False)
    assert git_diff(BEFORE, AFTER) == shown
    assert "@@ -5,4 +5,4 @@ spec:\n" in shown


def test_equal_files_have_no_diff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    assert git_diff(AFTER, AFTER) == ""
