import asyncio

import psycopg_pool
import pytest
from shop.store import OutOfStock, Store, Unknown


async def stock(store: Store) -> dict[str, int]:
    return {product["sku"]: product["stock"] for product in await store.products()}


async def test_products_are_sorted_by_name(store: Store) -> None:
    assert [product["sku"] for product in await store.products()] == ["MUG", "PIN", "TEE"]


async def test_an_order_takes_from_the_stock(store: Store) -> None:
    placed = await store.order("one", {"MUG": 3}, None)
    assert placed == {"key": "one", "total": 3 * 1290 + 490}
    assert (await stock(store))["MUG"] == 7


async def test_the_same_key_places_one_order(store: Store) -> None:
    first = await store.order("one", {"MUG": 3}, None)
    second = await store.order("one", {"MUG": 3}, None)
    assert first == second
    assert (await stock(store))["MUG"] == 7


async def test_the_same_key_at_once_places_one_order(store: Store) -> None:
    totals = await asyncio.gather(*(store.order("one", {"PIN": 1}, None) for _ in range(6)))
    assert {placed["total"] for placed in totals} == {350 + 490}
    assert (await stock(store))["PIN"] == 9


async def test_nothing_is_taken_when_one_product_is_out_of_stock(store: Store) -> None:
    with pytest.raises(OutOfStock, match="TEE"):
        await store.order("one", {"MUG": 1, "TEE": 11}, None)
    assert set((await stock(store)).values()) == {10}


async def test_an_unknown_product_is_refused(store: Store) -> None:
    with pytest.raises(Unknown, match="HAT"):
        await store.order("one", {"HAT": 1}, None)


async def test_orders_at_once_never_sell_more_than_there_is(store: Store) -> None:
    tries = (store.order(str(number), {"TEE": 4}, None) for number in range(4))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, OutOfStock) for outcome in outcomes) == 2
    assert (await stock(store))["TEE"] == 2


async def test_a_coupon_counts(store: Store) -> None:
    placed = await store.order("one", {"TEE": 4}, "FRIENDS20")
    assert placed["total"] == 7_968


async def test_two_copies_may_start_at_once(store: Store) -> None:
    others = [Store(store.pool.conninfo) for _ in range(3)]
    for other in others:
        await other.open()
    await asyncio.gather(*(other.check() for other in others))
    for other in others:
        await other.close()
    assert len(await store.products()) == 3


async def test_a_missing_database_is_told_soon() -> None:
    lost = Store("postgresql://shop:shop@127.0.0.1:1/shop?connect_timeout=1")
    await lost.open()
    with pytest.raises(psycopg_pool.PoolTimeout):
        await lost.check()
    await lost.close()
