"""A TCP proxy that keeps every request back for a while: what a cluster far away feels like.

`python -m benchmarks.proxy HOST PORT MILLISECONDS` prints the port it listens on and runs until its
standard input closes. It is a process of its own, so that it shares no interpreter with anybody.
TLS passes through untouched.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

_CHUNK = 1 << 16


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, seconds: float) -> None:
    """Pass everything on, each piece so long after it came, none waiting for the one before."""
    loop = asyncio.get_running_loop()
    due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        while data := await source.read(_CHUNK):
            due.put_nowait((loop.time() + seconds, data))
        due.put_nowait((0.0, b""))

    reading = asyncio.create_task(read())
    with suppress(ConnectionError):
        while True:
            at, data = await due.get()
            if not data:
                break
            await asyncio.sleep(max(0.0, at - loop.time()))
            target.write(data)
            await target.drain()
    reading.cancel()
    target.close()


async def serve(host: str, port: int, seconds: float) -> None:
    """Take connections until standard input closes."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection(host, port)
        with suppress(ConnectionError):
            await asyncio.gather(_copy(reader, downstream, seconds), _copy(upstream, writer, 0.0))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) / 1000))
