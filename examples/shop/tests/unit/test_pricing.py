import pytest
from shop.pricing import Bill, Line, bill, coupon_discount, euros, included_vat, line_total, percent


@pytest.mark.parametrize(
    ("amount", "rate", "expected"),
    [(100, 10, 10), (99, 10, 10), (94, 10, 9), (0, 20, 0), (1, 50, 1)],
)
def test_percent_rounds_half_up(amount: int, rate: int, expected: int) -> None:
    assert percent(amount, rate) == expected


@pytest.mark.parametrize(
    ("price", "quantity", "expected"),
    [(1290, 1, 1290), (1290, 9, 11610), (1290, 10, 12255), (333, 10, 3163)],
)
def test_ten_or_more_of_one_product_are_cheaper(price: int, quantity: int, expected: int) -> None:
    assert line_total(Line("MUG", price, quantity)) == expected


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_line_needs_a_quantity(quantity: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Line("MUG", 100, quantity)


def test_a_line_cannot_cost_less_than_nothing() -> None:
    with pytest.raises(ValueError, match="negative"):
        Line("MUG", -1, 1)


@pytest.mark.parametrize(
    ("coupon", "expected"),
    [(None, 0), ("WELCOME10", 1000), (" friends20 ", 2000), ("Welcome10", 1000)],
)
def test_coupons(coupon: str | None, expected: int) -> None:
    assert coupon_discount(10_000, coupon) == expected


def test_an_unknown_coupon_is_refused() -> None:
    with pytest.raises(ValueError, match="NOPE"):
        coupon_discount(10_000, "NOPE")


@pytest.mark.parametrize(("total", "vat"), [(119, 19), (11_900, 1_900), (100, 16), (0, 0)])
def test_vat_is_part_of_the_total(total: int, vat: int) -> None:
    assert included_vat(total) == vat


def test_shipping_is_free_from_fifty_euros() -> None:
    assert bill([Line("TEE", 5_000, 1)]) == Bill(5_000, 0, 0, 5_000, 798)


def test_shipping_counts_after_the_discount() -> None:
    assert bill([Line("TEE", 5_000, 1)], "WELCOME10") == Bill(5_000, 500, 490, 4_990, 797)


def test_an_empty_cart_has_no_price() -> None:
    with pytest.raises(ValueError, match="empty"):
        bill([])


@pytest.mark.parametrize(
    ("cents", "text"), [(0, "0.00 €"), (5, "0.05 €"), (1290, "12.90 €"), (-250, "-2.50 €")]
)
def test_euros(cents: int, text: str) -> None:
    assert euros(cents) == text
