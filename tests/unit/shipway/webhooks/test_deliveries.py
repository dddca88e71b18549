from __future__ import annotations

from shipway.webhooks.deliveries import Deliveries


def test_a_delivery_is_new_once_until_it_is_forgotten() -> None:
    now = 0.0
    deliveries = Deliveries(seconds=10, count=100, clock=lambda: now)
    assert [deliveries.is_new(each) for each in (b"a", b"a", b"b")] == [True, False, True]
    now = 10.0
    assert not deliveries.is_new(b"a")
    now = 10.5
    assert deliveries.is_new(b"a")


def test_of_too_many_the_oldest_is_forgotten() -> None:
    deliveries = Deliveries(seconds=10, count=2, clock=lambda: 0.0)
    assert [deliveries.is_new(each) for each in (b"a", b"b", b"c")] == [True] * 3
    assert [deliveries.is_new(each) for each in (b"b", b"c", b"a")] == [False, False, True]
