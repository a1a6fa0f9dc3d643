"""A server on loopback that answers each path as a test says, byte by byte."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import pytest

Pieces = bytes | Iterable[bytes]


@dataclass
class Request:
    """One request as it came in."""

    time: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def http(body: bytes | str = b"", status: str = "200 OK", **headers: str) -> bytes:
    """Return a well-formed answer."""
    body = body.encode() if isinstance(body, str) else body
    given = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body))}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


@dataclass
class Scripted:
    """The server: ``pages[path]`` is bytes, or a function of the request and how often the path was asked before."""

    url: str
    pages: dict[str, Pieces | Callable[[Request, int], Pieces]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    http = staticmethod(http)

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def answer(self, request: Request) -> Pieces:
        before = self.paths().count(request.path)
        self.requests.append(request)
        page = self.pages.get(request.path, self.pages.get(request.path.split("?")[0]))
        if page is None:
            return http("gone", "404 Not Found")
        return page(request, before) if callable(page) else page


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        script: Scripted = self.server.script  # type: ignore[attr-defined]
        try:
            while line := self.rfile.readline(65_536):
                method, path, *_ = [*line.decode("latin-1").split(" "), "", ""]
                headers = {}
                while (header := self.rfile.readline(65_536)) not in (b"\r\n", b""):
                    name, _, value = header.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                body = self.rfile.read(int(headers.get("content-length", "0")))
                answer = script.answer(Request(time.monotonic(), method, path, headers, body))
                if isinstance(answer, bytes):
                    self.wfile.write(answer)
                    # What is not a whole answer with a length ends with the connection.
                    if b"Content-Length" not in answer or b"X-Close" in answer:
                        return
                else:
                    for piece in answer:
                        self.wfile.write(piece)
                    return
        except OSError:
            return


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    server = _Server(("127.0.0.1", 0), _Handler)
    script = Scripted(f"http://127.0.0.1:{server.server_address[1]}")
    server.script = script  # type: ignore[attr-defined]
    server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield script
    server.shutdown()
    server.server_close()
    thread.join()
