"""A real Git server over HTTP: `git http-backend` with basic authentication, on loopback.

It can be told to misbehave as servers do: to be slow, to refuse, to redirect, and to lose the
reply to a push that it has carried out.
"""

from __future__ import annotations

import base64
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote, urlsplit

from tests.git import init_bare

__all__ = ["GitServer", "serving"]

USER, PASSWORD = "ada", "correct horse/battery@staple"


@dataclass(frozen=True, slots=True)
class _Fault:
    """How requests that mention `on` in their address are treated; see `GitServer.fault`."""

    on: str
    delay: float
    status: int
    message: str
    headers: Mapping[str, str]
    lose_reply: bool


@dataclass(slots=True)
class GitServer:
    """One served bare repository: its path, addresses, and what was asked of it so far."""

    path: Path
    port: int
    user: str = USER
    password: str = PASSWORD
    requests: list[str] = field(default_factory=list)
    faults: list[_Fault] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address without credentials."""
        return f"http://127.0.0.1:{self.port}/{self.path.name}"

    @property
    def url_with_password(self) -> str:
        user, password = quote(self.user, safe=""), quote(self.password, safe="")
        return f"http://{user}:{password}@127.0.0.1:{self.port}/{self.path.name}"

    @contextmanager
    def fault(
        self,
        on: str = "",
        *,
        delay: float = 0,
        status: int = 0,
        message: str = "",
        headers: Mapping[str, str] | None = None,
        lose_reply: bool = False,
    ) -> Iterator[None]:
        """Within it, requests whose `METHOD address` contains `on` go wrong.

        `POST /store.git/git-receive-pack` is the push itself, `service=git-receive-pack` the look
        before it, `git-upload-pack` any fetch. `delay` is in seconds. With `status` Git never sees
        the request; with `lose_reply` it does, and the connection closes without an answer.
        """
        fault = _Fault(on, delay, status, message, headers or {}, lose_reply)
        self.faults.append(fault)
        try:
            yield
        finally:
            self.faults.remove(fault)


@contextmanager
def serving(root: Path) -> Iterator[GitServer]:
    """Serve a new bare repository `store.git` below `root`."""
    path = init_bare(root / "store.git")
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as http:
        server = GitServer(path, http.server_address[1])
        http.RequestHandlerClass = type("Handler", (_Request,), {"server_state": server})
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


class _Request(BaseHTTPRequestHandler):
    """One connection: authenticate, apply faults, hand the request to Git's CGI program."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    server_state: ClassVar[GitServer]

    def log_message(self, format: str, *args: object) -> None:
        """Requests are kept for the test instead of being printed."""

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self._body())

    def _serve(self, body: bytes) -> None:
        state = self.server_state
        line = f"{self.command} {self.path}"
        state.requests.append(line)
        fault = next((fault for fault in state.faults if fault.on in line), None)
        if fault and fault.delay:
            time.sleep(fault.delay)
        if fault and fault.status:
            self._answer(fault.status, fault.headers, fault.message.encode())
        elif not self._authenticated():
            self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"who are you?")
        else:
            status, headers, content = self._git(body)
            if fault and fault.lose_reply:
                self.close_connection = True
            else:
                self._answer(status, headers, content)

    def _authenticated(self) -> bool:
        state = self.server_state
        expected = base64.b64encode(f"{state.user}:{state.password}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _git(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """The status, headers and content that `git http-backend` gives (RFC 3875)."""
        answer = subprocess.run(
            ["git", "http-backend"],
            input=body,
            env=self._environment(len(body)),
            check=True,
            capture_output=True,
        )
        head, _, content = answer.stdout.partition(b"\r\n\r\n")
        headers = dict(BytesHeaderParser().parsebytes(head).items())
        status = headers.pop("Status", "200 OK")
        return int(status.split()[0]), headers, content

    def _environment(self, length: int) -> dict[str, str]:
        state, address = self.server_state, urlsplit(self.path)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(state.path.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(state.path.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_USER": state.user,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": address.path,
            "QUERY_STRING": address.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }

    def _answer(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
