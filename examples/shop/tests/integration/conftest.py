import os
from collections.abc import AsyncIterator

import pytest_asyncio
from shop.store import Store


@pytest_asyncio.fixture
async def store() -> AsyncIterator[Store]:
    """The store on a real database, with its first stock."""
    store = Store(os.environ["DATABASE_URL"])
    await store.open()
    await store.check()
    async with store.pool.connection() as connection:
        await connection.execute("TRUNCATE purchase")
        await connection.execute("UPDATE product SET stock = 10")
    yield store
    await store.close()
