"""The bare aiohttp client: posts the same bytes over TLS as fast as it can, keeping nothing.

``python -m bench.poster`` follows orders: ``url``, ``ca_file``, ``connections``, ``seconds``, ``operations`` (0: one
lead's body; more: an Azure Table transaction of so many).
"""

from __future__ import annotations

import asyncio
import ssl
import time

import aiohttp
import uvloop

from bench.orders import Order, follow_orders
from bench.payload import body, table_batch


async def _obey(order: Order) -> dict[str, float]:
    content = table_batch(order["operations"]) if order["operations"] else body(0, "crm")
    context = ssl.create_default_context(cafile=order["ca_file"])
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    headers = {"content-type": "application/json", "webhook-id": "0" * 36, "accept-encoding": "identity"}
    posted = 0
    async with aiohttp.ClientSession(connector=connector) as session:
        from_ = time.monotonic() + 0.5
        until = from_ + order["seconds"]

        async def post() -> None:
            nonlocal posted
            while (now := time.monotonic()) < until:
                async with session.post(order["url"], data=content, headers=headers) as response:
                    await response.read()
                    response.raise_for_status()
                posted += now >= from_

        await asyncio.gather(*(post() for _ in range(order["connections"])))
    return {"rate": posted / order["seconds"]}


if __name__ == "__main__":
    uvloop.run(follow_orders(_obey))
