"""A TCP proxy that breaks one request in the way it is told to.

Clients speak plain text to it; the server behind may speak TLS, with whatever credentials the
given context holds. So a fault can be aimed at a request by how it starts (`PATCH /api/v1/…`), and
everything else passes untouched. A fault happens once.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the first request that starts with `start`.

    With an `answer` the server never sees it. Without one it is delivered, and the connection is
    cut when the server answers (`delivered`), or it is cut before the server sees it.
    """

    start: bytes
    answer: bytes = b""
    delivered: bool = False


class FaultProxy:
    """`url` is where clients connect; `faults` are those still to come; `seen` are first lines."""

    def __init__(self, upstream: tuple[str, int], context: ssl.SSLContext | None) -> None:
        self.faults: list[Fault] = []
        self.seen: list[bytes] = []
        self._upstream = upstream
        self._context = context
        self._away = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        """Take connections until closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._relay, args=[client], daemon=True).start()

    @contextmanager
    def away(self) -> Iterator[None]:
        """As a machine that is gone: open connections are cut, new ones at once."""
        self._away.set()
        for client in tuple(self._open):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        try:
            yield
        finally:
            self._away.clear()

    def close(self) -> None:
        """Take no more connections: from now on they are refused."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _relay(self, client: socket.socket) -> None:
        """One thread for both directions: a TLS connection is not to be used by two at once."""
        with suppress(OSError), client, self._counted(client), self._connected() as server:
            doomed = False
            if self._away.is_set():
                return _hang_up(client)
            while True:
                readable, _, _ = select.select([client, server], [], [])
                if server in readable and (data := _received(server)) is not None:
                    if doomed or not data:
                        return _hang_up(client)
                    client.sendall(data)
                if client in readable:
                    data = client.recv(_CHUNK)
                    fault = self._due(data)
                    if not data or (fault and not fault.delivered):
                        return _hang_up(client, fault.answer if fault else b"")
                    doomed = doomed or fault is not None
                    server.sendall(data)

    @contextmanager
    def _counted(self, client: socket.socket) -> Iterator[None]:
        self._open.add(client)
        try:
            yield
        finally:
            self._open.discard(client)

    def _connected(self) -> socket.socket:
        server = socket.create_connection(self._upstream)
        if self._context is None:
            return server
        return self._context.wrap_socket(server, server_hostname=self._upstream[0])

    def _due(self, data: bytes) -> Fault | None:
        line = data.partition(b"\r\n")[0]
        if line.endswith(b" HTTP/1.1"):
            self.seen.append(line)
        fault = next((fault for fault in self.faults if data.startswith(fault.start)), None)
        if fault is not None:
            self.faults.remove(fault)
        return fault


def _received(server: socket.socket) -> bytes | None:
    """What has come; empty at the end, None where it was only TLS talking to itself."""
    server.setblocking(False)
    try:
        return server.recv(_CHUNK)
    except ssl.SSLWantReadError:
        return None
    finally:
        server.setblocking(True)


def _hang_up(client: socket.socket, answer: bytes = b"") -> None:
    """Give the answer, if there is one, and close; without one as a machine that is gone: by RST.

    What is still coming is read first: closing over unread data would reset the answer away.
    """
    if not answer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return
    client.sendall(answer)
    client.shutdown(socket.SHUT_WR)
    client.settimeout(2)
    while client.recv(_CHUNK):
        pass


def http_answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A whole answer: `http_answer("429 Too Many Requests", b"", "Retry-After: 1")`."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def fault_proxy(url: str, context: ssl.SSLContext | None = None) -> Iterator[FaultProxy]:
    """A proxy in front of the server at `url`, as long as the block runs."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    proxy = FaultProxy((parts.hostname, parts.port), context)
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
