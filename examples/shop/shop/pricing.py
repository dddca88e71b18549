"""What a cart costs. Money is whole cents; rounding is half up, once, at the end of each rule."""

from __future__ import annotations

from dataclasses import dataclass

VAT_PERCENT = 19
FREE_SHIPPING_FROM = 5_000
SHIPPING = 490
BULK_FROM = 10
BULK_PERCENT = 5

COUPONS = {"WELCOME10": 10, "FRIENDS20": 20}


@dataclass(frozen=True)
class Line:
    """A product in a cart: its price for one, in cents, and how many."""

    sku: str
    price: int
    quantity: int

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError(f"quantity of {self.sku} must be at least 1, got {self.quantity}")
        if self.price < 0:
            raise ValueError(f"price of {self.sku} must not be negative, got {self.price}")


@dataclass(frozen=True)
class Bill:
    """A cart's price, in cents; VAT is part of the total, not added to it."""

    goods: int
    discount: int
    shipping: int
    total: int
    vat: int


def bill(lines: list[Line], coupon: str | None = None) -> Bill:
    """Price a cart.

    Raises:
        ValueError: The cart is empty, or there is no such coupon.
    """
    if not lines:
        raise ValueError("the cart is empty")
    goods = sum(line_total(line) for line in lines)
    discount = coupon_discount(goods, coupon)
    shipping = 0 if goods - discount >= FREE_SHIPPING_FROM else SHIPPING
    total = goods - discount + shipping
    return Bill(goods, discount, shipping, total, included_vat(total))


def line_total(line: Line) -> int:
    """Price of a line; ten or more of one product are cheaper."""
    total = line.price * line.quantity
    return total - percent(total, BULK_PERCENT) if line.quantity >= BULK_FROM else total


def coupon_discount(goods: int, coupon: str | None) -> int:
    """What a coupon takes off; the spelling's case does not matter."""
    if coupon is None:
        return 0
    try:
        return percent(goods, COUPONS[coupon.strip().upper()])
    except KeyError:
        raise ValueError(f"there is no coupon {coupon!r}") from None


def included_vat(total: int) -> int:
    """The VAT that a total contains."""
    return (total * VAT_PERCENT * 2 + 100 + VAT_PERCENT) // (2 * (100 + VAT_PERCENT))


def percent(amount: int, rate: int) -> int:
    """So many percent of an amount, rounded half up."""
    return (amount * rate + 50) // 100


def euros(cents: int) -> str:
    """An amount for people."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d} €"
