from __future__ import annotations

from shipway.reports.markdown import data_uri, without_pictures


def test_a_picture_that_is_held_in_its_address_goes_and_its_neighbours_stay() -> None:
    picture = f"![The (whole) pyramid]({data_uri('<svg/>')})"
    page = f"## Tests\n\n{picture}\n\n| a |\n|---|\n\n[a link](https://example.org/data:x)\n"
    assert without_pictures(page) == page.replace(f"{picture}\n\n", "")
