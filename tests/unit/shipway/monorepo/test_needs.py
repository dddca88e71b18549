from __future__ import annotations

import pytest

from shipway.errors import RefuseError
from shipway.monorepo.needs import Needs, needs_of
from shipway.monorepo.service import Service

WHERE = "https://git.example.org/acme at 3f2c1ab"


def services(needs: dict[str, str]) -> list[Service]:
    return [
        Service(app=app, folder=f"services/{app}", needs=tuple(needed.split()))
        for app, needed in needs.items()
    ]


def ordered(registered: str = "", **needs: str) -> Needs:
    return needs_of(services(needs), registered.split(), WHERE)


def refusal(**needs: str) -> RefuseError:
    with pytest.raises(RefuseError) as caught:
        ordered(**needs)
    return caught.value


def test_each_stands_after_all_that_it_needs_by_way_of_others_too() -> None:
    needs = ordered(web="cart", cart="money", money="", mail="")
    assert needs["web"] == {"cart", "money"}
    assert (needs["cart"], needs["money"], needs["mail"]) == ({"money"}, set(), set())
    order = list(needs)
    assert order.index("money") < order.index("cart") < order.index("web")


def test_the_order_does_not_hang_on_how_they_are_listed() -> None:
    assert list(ordered(a="", b="", c="a")) == list(ordered(c="a", b="", a=""))


def test_what_nobody_knows_cannot_be_needed() -> None:
    error = refusal(cart="monney", money="")
    assert error.what == "cart needs what is no app of its repository."
    assert error.facts["where"] == f"{WHERE}: `needs` of services/cart/pipeline.yaml"
    assert (error.facts["expected"], error.facts["got"]) == ("some of money", "monney")


def test_what_is_registered_and_not_there_at_the_revision_orders_nothing() -> None:
    assert ordered("cart money", cart="money") == {"cart": set()}


def test_a_circle_is_told_in_words() -> None:
    error = refusal(web="cart", cart="money", money="web", mail="")
    assert error.what.startswith("Services need each other in a circle")
    said = set(str(error.facts["got"]).split(", "))
    assert said == {"web needs cart", "cart needs money", "money needs web"}
    # It reads on from one to the next.
    words = [one.split(" needs ") for one in str(error.facts["got"]).split(", ")]
    assert [one[1] for one in words[:-1]] == [one[0] for one in words[1:]]


def test_a_service_that_needs_itself_is_a_circle() -> None:
    assert refusal(cart="cart").facts["got"] == "cart needs cart"
