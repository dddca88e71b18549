from __future__ import annotations

import pytest

from shipway.errors import RefuseError
from shipway.parameters import check_names, check_revision


@pytest.mark.parametrize("name", ["shop", "s", "eu-west-1", "0", "a" * 63, None])
def test_a_name_is_taken(name: str | None) -> None:
    check_names(environment=name)


@pytest.mark.parametrize("name", ["", "Shop", "a_b", "../..", "-a", "a-", "a/b", "a\n", "a" * 64])
def test_anything_else_is_refused_by_its_parameter(name: str) -> None:
    with pytest.raises(RefuseError) as caught:
        check_names(app="shop", environment=name)
    assert str(caught.value) == (
        "The parameter 'environment' is no name.\n"
        "  where:     what the run was started with: environment\n"
        "  expected:  lowercase letters, digits and dashes, at most 63\n"
        f"  got:       {name!r}\n"
        "  untouched: everything: nothing was built, pushed or committed\n"
        "  remedy:    `shipway status` lists the apps and environments that there are"
    )


def test_a_promotion_takes_no_revision() -> None:
    for revision, promotion in (("v1", False), (None, True), ("", True)):
        check_revision(revision, promotion=promotion)
    with pytest.raises(RefuseError, match=r"A promotion takes no revision\."):
        check_revision("v1", promotion=True)
