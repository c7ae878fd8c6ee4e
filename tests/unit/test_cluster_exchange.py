"""What is sent again, what a lost connection means, and the texts of warnings."""

import socket
import ssl
from itertools import product

import pytest
import urllib3
from urllib3 import exceptions

from kubectl_gitops.cluster.exchange import Answer, Lost, Request, lost, pause, warning_texts
from kubectl_gitops.ports import Refusal

GET = Request("GET", "/api", safe=True)
PATCH = Request("PATCH", "/api")
NEVER_SENT = Lost(Refusal(0, "Unreachable", ""), sent=False)
SENT = Lost(Refusal(0, "Unreachable", ""), sent=True)
HOPELESS = Lost(Refusal(0, "Unreachable", ""), sent=False, hopeless=True)
OUTCOMES = {
    "200": Answer(200, b""),
    "401": Answer(401, b""),
    "409": Answer(409, b""),
    "429": Answer(429, b"", "1"),
    "500": Answer(500, b""),
    "503": Answer(503, b""),
    "503 with Retry-After": Answer(503, b"", "1"),
    "never sent": NEVER_SENT,
    "sent": SENT,
    "hopeless": HOPELESS,
}


@pytest.mark.parametrize(
    ("request_", "reached", "again"),
    [
        (GET, True, {"429", "503 with Retry-After", "never sent", "sent"}),
        (PATCH, True, {"429", "never sent"}),
        (GET, False, {"429", "503 with Retry-After", "sent"}),
        (PATCH, False, {"429"}),
    ],
)
def test_only_what_was_certainly_not_carried_out_is_written_again(
    request_: Request, reached: bool, again: set[str]
) -> None:
    pauses = {
        name: pause(1, request_, outcome, 0.5, reached=reached)
        for name, outcome in OUTCOMES.items()
    }
    assert {name for name, seconds in pauses.items() if seconds is not None} == again


def test_pauses_grow_and_are_spread_until_there_are_no_more() -> None:
    pauses = [
        tuple(pause(attempt, GET, SENT, chance, reached=True) for chance in (0.0, 0.5))
        for attempt in range(1, 7)
    ]
    assert pauses == [
        (0.1, 0.2),
        (0.2, 0.4),
        (0.4, 0.8),
        (0.8, 1.6),
        (1.6, 3.2),
        (None, None),
    ]


def test_the_server_is_never_asked_again_sooner_than_it_said() -> None:
    assert pause(1, PATCH, Answer(429, b"", "7"), 0.0, reached=True) == 7.0
    assert pause(1, PATCH, Answer(429, b"", "10"), 0.5, reached=True) == 10.5
    assert pause(1, PATCH, Answer(429, b"", "Wed, 21 Oct"), 0.5, reached=True) == 0.2


def test_requests_are_counted_by_method_and_dry_run() -> None:
    requests = (Request(m, "/", dry_run=d) for m, d in product(("GET", "PATCH"), (False, True)))
    assert [request.counted_as for request in requests] == [
        "GET",
        "GET (dry run)",
        "PATCH",
        "PATCH (dry run)",
    ]


CONNECTION = urllib3.connection.HTTPConnection("api.example.com")


def not_connected(cause: OSError) -> exceptions.NewConnectionError:
    error = exceptions.NewConnectionError(CONNECTION, f"Failed: {cause}")
    error.__cause__ = cause
    return error


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] (_ssl.c:1006)")
    error.verify_message = "self-signed certificate"
    return error


def unresolved() -> exceptions.NameResolutionError:
    cause = socket.gaierror(-2, "Name or service not known")
    error = exceptions.NameResolutionError("api.example.com", CONNECTION, cause)
    error.__cause__ = cause
    return error


UNABLE = "Unable to connect to the server"
REFUSED = (
    "The connection to the server api.example.com:443 was refused"
    " - did you specify the right host or port?"
)
GONE = "the connection to api.example.com:443 was lost before an answer came"


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (
            not_connected(ConnectionRefusedError(111, "Connection refused")),
            Lost(Refusal(0, "Unreachable", REFUSED), sent=False),
        ),
        (
            not_connected(OSError(101, "Network is unreachable")),
            Lost(
                Refusal(0, "Unreachable", f"{UNABLE}: api.example.com:443: Network is unreachable"),
                sent=False,
            ),
        ),
        (
            unresolved(),
            Lost(
                Refusal(
                    0, "Unreachable", f"{UNABLE}: api.example.com:443: Name or service not known"
                ),
                sent=False,
            ),
        ),
        (
            exceptions.ConnectTimeoutError(CONNECTION, "timed out"),
            Lost(
                Refusal(0, "Timeout", f"{UNABLE}: api.example.com:443 takes no connection"),
                sent=False,
            ),
        ),
        (
            exceptions.ProxyError(
                "Cannot connect", not_connected(OSError(111, "Connection refused"))
            ),
            Lost(Refusal(0, "Unreachable", f"{UNABLE}: the proxy: Connection refused"), sent=False),
        ),
        (
            exceptions.SSLError(untrusted()),
            Lost(
                Refusal(
                    0,
                    "Unreachable",
                    f"{UNABLE}: its certificate is not trusted: self-signed certificate",
                ),
                sent=False,
                hopeless=True,
            ),
        ),
        (
            exceptions.SSLError(ssl.SSLError(1, "[SSL] tlsv13 alert (_ssl.c:2706)")),
            Lost(
                Refusal(0, "Unreachable", f"{UNABLE}: [SSL] tlsv13 alert"),
                sent=True,
                hopeless=True,
            ),
        ),
        (
            exceptions.ReadTimeoutError(urllib3.HTTPConnectionPool("h"), "/", "timed out"),
            Lost(Refusal(0, "Timeout", "api.example.com:443 did not answer in time"), sent=True),
        ),
        (
            exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")),
            Lost(Refusal(0, "Unreachable", GONE), sent=True),
        ),
        (
            exceptions.LocationParseError("https://[x"),
            Lost(
                Refusal(0, "Unreachable", f"{UNABLE}: Failed to parse: https://[x"),
                sent=True,
                hopeless=True,
            ),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failed_connection_says_whether_the_request_may_have_arrived(
    error: exceptions.HTTPError, found: Lost
) -> None:
    assert lost(error, "https://api.example.com") == found


@pytest.mark.parametrize(
    ("server", "place"),
    [
        ("https://127.0.0.1:6443", "127.0.0.1:6443"),
        ("https://[::1]:6443/k8s", "[::1]:6443"),
        ("https://[::1]", "[::1]:443"),
        ("https://host/prefix", "host:443"),
        ("http://host", "host:80"),
        ("https://ada:hunter2@host", "host:443"),
    ],
)
def test_the_place_is_named_with_its_port(server: str, place: str) -> None:
    error = not_connected(ConnectionRefusedError(111, "Connection refused"))
    assert f"server {place} was refused" in lost(error, server).refusal.message


@pytest.mark.parametrize(
    ("header", "texts"),
    [
        ('299 - "v1 Endpoints is deprecated in v1.33+"', ["v1 Endpoints is deprecated in v1.33+"]),
        ('299 - "one", 299 apiserver "two \\"quoted\\" \\\\"', ["one", 'two "quoted" \\']),
        ('299 - "escape \x1b[31m"', ["escape \\x1b[31m"]),
        ('199 - "other"', []),
        ("", []),
    ],
)
def test_warnings_are_read_from_their_header(header: str, texts: list[str]) -> None:
    assert warning_texts(header) == texts
