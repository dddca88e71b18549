"""Products and orders in PostgreSQL."""

from __future__ import annotations

import json
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from shop.pricing import Line, bill

SCHEMA = """
CREATE TABLE IF NOT EXISTS product (
  sku text PRIMARY KEY, name text NOT NULL,
  price integer NOT NULL CHECK (price >= 0), stock integer NOT NULL CHECK (stock >= 0)
);
CREATE TABLE IF NOT EXISTS purchase (
  key text PRIMARY KEY, lines jsonb NOT NULL, total integer NOT NULL,
  placed timestamptz NOT NULL DEFAULT now()
);
INSERT INTO product VALUES
  ('MUG', 'Mug', 1290, 500), ('TEE', 'T-shirt', 2490, 200), ('PIN', 'Pin', 350, 1000)
ON CONFLICT DO NOTHING;
"""
_SCHEMA_LOCK = 7_305_001


class OutOfStock(Exception):
    """There is less of a product than was ordered."""


class Unknown(Exception):
    """There is no such product."""


class Store:
    """The shop's database behind a pool of connections."""

    def __init__(self, url: str) -> None:
        self.pool = AsyncConnectionPool(
            url, min_size=1, max_size=8, open=False, timeout=5, kwargs={"row_factory": dict_row}
        )
        self._has_schema = False

    async def open(self) -> None:
        """Start to connect; a database that comes up later is waited for in the background."""
        await self.pool.open(wait=False)

    async def close(self) -> None:
        """Let go of every connection."""
        await self.pool.close()

    async def check(self) -> None:
        """Raise unless the database answers; create the tables the first time it does."""
        async with self.pool.connection(timeout=2) as connection:
            if self._has_schema:
                await connection.execute("SELECT 1")
                return
            # Several copies start at once, and CREATE IF NOT EXISTS alone can collide.
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
            await connection.execute(SCHEMA)
        self._has_schema = True

    async def products(self) -> list[dict[str, Any]]:
        """Every product, by name."""
        async with self.pool.connection() as connection:
            rows = await connection.execute(
                "SELECT sku, name, price, stock FROM product ORDER BY name"
            )
            return await rows.fetchall()

    async def order(self, key: str, items: dict[str, int], coupon: str | None) -> dict[str, Any]:
        """Place an order, once a key: the same key again returns the first order.

        Raises:
            Unknown: No such product.
            OutOfStock: Too little of one; nothing is taken from the others.
            ValueError: The cart is not valid.
        """
        async with self.pool.connection() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (key,))
            rows = await connection.execute(
                "SELECT key, total FROM purchase WHERE key = %s", (key,)
            )
            if (placed := await rows.fetchone()) is not None:
                return placed
            lines = [await _take(connection, sku, items[sku]) for sku in sorted(items)]
            total = bill(lines, coupon).total
            content = json.dumps([vars(line) for line in lines])
            await connection.execute(
                "INSERT INTO purchase (key, lines, total) VALUES (%s, %s, %s)",
                (key, content, total),
            )
            return {"key": key, "total": total}


async def _take(connection: AsyncConnection[Any], sku: str, quantity: int) -> Line:
    rows = await connection.execute(
        "SELECT price, stock FROM product WHERE sku = %s FOR UPDATE", (sku,)
    )
    product = await rows.fetchone()
    if product is None:
        raise Unknown(sku)
    line = Line(sku, product["price"], quantity)
    if product["stock"] < quantity:
        raise OutOfStock(f"{sku}: {product['stock']} left, {quantity} ordered")
    await connection.execute(
        "UPDATE product SET stock = stock - %s WHERE sku = %s", (quantity, sku)
    )
    return line
