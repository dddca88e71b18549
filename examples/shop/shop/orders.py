"""An order as it comes in."""

from __future__ import annotations

import json
from typing import Any

MOST_OF_ONE = 100


class BadOrder(Exception):
    """The order cannot be understood; the message says what is wrong."""


def read_order(body: bytes) -> tuple[dict[str, int], str | None]:
    """Read `{"items": {sku: quantity}, "coupon": text or null}`.

    Raises:
        BadOrder: It is something else.
    """
    try:
        order: Any = json.loads(body)
    except ValueError as error:
        raise BadOrder("the body is not JSON") from error
    if not isinstance(order, dict):
        raise BadOrder("the body is not an object")
    items = order.get("items")
    if not isinstance(items, dict) or not items:
        raise BadOrder("items must be an object of quantities by product")
    for sku, quantity in items.items():
        if isinstance(quantity, bool) or not isinstance(quantity, int):
            raise BadOrder(f"the quantity of {sku} must be a whole number")
        if not 1 <= quantity <= MOST_OF_ONE:
            raise BadOrder(f"the quantity of {sku} must be 1 to {MOST_OF_ONE}, got {quantity}")
    coupon = order.get("coupon")
    if coupon is not None and not isinstance(coupon, str):
        raise BadOrder("coupon must be a text")
    return items, coupon
