from __future__ import annotations

from docs.options import PAGE, options


def test_the_page_that_is_kept_is_that_of_the_code() -> None:
    assert PAGE.read_text("utf-8") == options(), "run `make reference`"
    assert "## shipway clear-hold\n" in options()
    assert "* `--until CHOICE`: " in options()
