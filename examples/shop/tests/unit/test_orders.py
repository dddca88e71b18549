import json

import pytest
from shop.orders import BadOrder, read_order


def test_an_order_is_items_and_a_coupon() -> None:
    body = json.dumps({"items": {"MUG": 2}, "coupon": "WELCOME10"}).encode()
    assert read_order(body) == ({"MUG": 2}, "WELCOME10")


def test_the_coupon_may_be_missing() -> None:
    assert read_order(b'{"items": {"MUG": 1}}') == ({"MUG": 1}, None)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"not json", "not JSON"),
        (b"[]", "not an object"),
        (b"{}", "items"),
        (b'{"items": {}}', "items"),
        (b'{"items": {"MUG": "2"}}', "whole number"),
        (b'{"items": {"MUG": true}}', "whole number"),
        (b'{"items": {"MUG": 0}}', "1 to 100"),
        (b'{"items": {"MUG": 101}}', "1 to 100"),
        (b'{"items": {"MUG": 1}, "coupon": 5}', "coupon"),
    ],
)
def test_a_bad_order_is_refused_with_words(body: bytes, words: str) -> None:
    with pytest.raises(BadOrder, match=words):
        read_order(body)
