"""One request, one answer, and a bound on everything that a stranger can send.

A server may answer slowly, drip for ever, send more than it announced, or pack
gigabytes into kilobytes. :class:`Wire` gives every answer a longest pause, a
longest total time and a largest size, *counted after unpacking*, and turns
everything that goes wrong into a :class:`FetchError` that says what it was.
"""

import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpcore
import httpx

__all__ = ["Answer", "FetchError", "Wire", "unpack"]

_MOST_MEMBERS = 16  # of a gzip body that is several files one after another; more is an attack


class FetchError(RuntimeError):
    """Raised when an address could not be fetched.

    Attributes
    ----------
    kind : str
        What went wrong: ``timeout`` (a pause too long), ``too-slow`` (the whole answer takes too long), ``too-large``,
        ``cut-short``, ``connection``, ``protocol``, ``status``, ``busy`` (asks for a longer wait than we grant),
        ``decoding``, ``not-html``, ``bad-url``, ``robots``, ``off-site``, ``redirect-loop``, ``too-many-redirects``;
        the API client adds ``json``, ``shape``, ``refused``, ``bad-cursor``, ``cursor-loop`` and ``endless``.
    url : str
        The address.
    detail : str
        The particulars.
    status : int or None
        Status code, if there was one.
    retry_after : float or None
        Seconds that the server asked us to wait.
    """

    def __init__(
        self,
        kind: str,
        url: str,
        detail: str = "",
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{url[:300]}: {kind}{': ' + detail if detail else ''}")
        self.kind = kind
        self.url = url
        self.detail = detail
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Attributes
    ----------
    status : int
        Status code.
    url : str
        The address that answered (after redirects, where they were followed).
    body : bytes
        Unpacked; empty unless the status is 2xx.
    headers : dict
        By lower-case name.
    elapsed : float
        Seconds from asking to the last byte, of the last request.
    requests : int
        How many requests this answer took, retries and redirects included.
    waited : float
        Seconds spent waiting out of politeness.
    """

    status: int
    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    elapsed: float = 0.0
    requests: int = 1
    waited: float = 0.0


class _Deadline:
    """The moment at which the present answer must be complete."""

    def __init__(self) -> None:
        self.moment = float("inf")

    def cut(self, timeout: float | None) -> float:
        left = self.moment - time.monotonic()
        if left <= 0.0:
            raise httpcore.ReadTimeout("the whole answer took too long")
        return left if timeout is None else min(left, timeout)


class _BoundedStream(httpcore.NetworkStream):
    """A connection on which no single wait outlasts the deadline of the whole answer."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.cut(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secure = self._stream.start_tls(ssl_context, server_hostname, self._deadline.cut(timeout))
        return _BoundedStream(secure, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _BoundedBackend(httpcore.NetworkBackend):
    """Opens connections that know the deadline, so that dripping *headers* end too."""

    def __init__(self, deadline: _Deadline) -> None:
        self._backend = httpcore.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._backend.connect_tcp(host, port, self._deadline.cut(timeout), local_address, socket_options)
        return _BoundedStream(stream, self._deadline)


def _inflate(data: bytes, encoding: str, most: int, url: str) -> bytes:
    """Unpack one layer of packing, never into more than `most` bytes."""
    # 47 = either gzip or zlib by its header; -15 = deflate without one, as some servers send it.
    window = -15 if encoding == "deflate" and data[:1] and (data[0] & 0x0F) != 8 else 47
    unpacked = bytearray()
    for _ in range(_MOST_MEMBERS):
        engine = zlib.decompressobj(window)
        try:
            unpacked += engine.decompress(data, most + 1 - len(unpacked))
        except zlib.error as error:
            raise FetchError("decoding", url, f"the body is not {encoding}: {error}") from error
        if len(unpacked) > most:
            raise FetchError("too-large", url, f"unpacks to more than {most:,} bytes")
        if not engine.eof:
            raise FetchError("cut-short", url, f"the {encoding} body ends before its end")
        data = engine.unused_data
        # Whatever follows the end and is no further gzip member is padding.
        if encoding == "deflate" or data[:2] != b"\x1f\x8b":
            return bytes(unpacked)
    raise FetchError("decoding", url, f"more than {_MOST_MEMBERS} gzip members")


def unpack(body: bytes, content_encoding: str, most: int, url: str = "") -> bytes:
    """Unpack a body within a bound.

    Parameters
    ----------
    body : bytes
        As it came over the wire.
    content_encoding : str
        The header's value: ``gzip``, ``deflate``, ``identity``, or two of them by commas.
    most : int
        Largest size, after each layer, bytes.
    url : str
        For messages.

    Returns
    -------
    bytes
        The unpacked body.

    Raises
    ------
    FetchError
        ``too-large``, ``cut-short`` or ``decoding``.
    """
    layers = [name.strip().lower() for name in content_encoding.split(",") if name.strip()]
    layers = [name.removeprefix("x-") for name in layers if name != "identity"]
    if len(layers) > 2 or any(name not in ("gzip", "deflate") for name in layers):
        raise FetchError("decoding", url, f"content encoding {content_encoding[:60]!r}; we asked for gzip or deflate")
    for name in reversed(layers):
        body = _inflate(body, name, most, url) if body else body
    return body


class Wire:
    """One kept-alive connection to a server, on which each answer is bounded.

    Parameters
    ----------
    timeout_seconds : float
        Longest single pause (connecting, or between two pieces), seconds.
    total_seconds : float
        Longest whole answer, seconds. Only the look-up of a host's name, which the system does, is not counted.
    max_bytes : int
        Largest body, packed or unpacked, bytes.
    transport : httpx.BaseTransport, optional
        Something else to send requests with, for tests.

    Notes
    -----
    Not to be shared between threads. No cookies are kept, no proxies are read from the environment, no redirect is
    followed and nothing is retried: manners are another module's business.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float,
        total_seconds: float,
        max_bytes: int,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._pause = timeout_seconds
        self._total = total_seconds
        self._most = max_bytes
        self._deadline = _Deadline()
        self._transport = transport
        self._pool: httpcore.ConnectionPool | None = None

    def close(self) -> None:
        """Close the connection; a later request opens another."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _send(self, request: httpx.Request) -> tuple[int, httpx.Headers, Iterable[bytes], Any]:
        if self._transport is not None:
            answer = self._transport.handle_request(request)
            return answer.status_code, answer.headers, answer.stream, answer  # type: ignore[return-value]  # sync stream
        if self._pool is None:
            self._pool = httpcore.ConnectionPool(
                max_connections=1, network_backend=_BoundedBackend(self._deadline), keepalive_expiry=4.0
            )
        url = request.url
        raw = self._pool.handle_request(
            httpcore.Request(
                method=request.method.encode(),
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.content,
                extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), self._pause)},
            )
        )
        return raw.status, httpx.Headers(raw.headers), raw.iter_stream(), raw

    def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        types: tuple[str, ...] = (),
    ) -> Answer:
        """Send one request and read its answer.

        Parameters
        ----------
        url : str
            Address, ``http`` or ``https``.
        method : str
            ``GET`` or ``POST``.
        headers : dict, optional
            Further request headers.
        content : bytes, optional
            Body of the request.
        types : tuple of str
            Media types that are wanted; a 2xx answer that declares another is not read. Empty means all.

        Returns
        -------
        Answer
            Of any status. The body is read for 2xx only.

        Raises
        ------
        FetchError
            ``bad-url``, ``timeout``, ``too-slow``, ``connection``, ``protocol``, ``cut-short``, ``too-large``,
            ``decoding`` or ``not-html``.
        """
        try:
            request = httpx.Request(method, url, headers=dict(headers or {}), content=content)
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise FetchError("bad-url", url, str(error)[:200]) from error
        if request.url.scheme not in ("http", "https") or not request.url.host:
            raise FetchError("bad-url", url, "only http and https addresses with a host are fetched")
        begun = time.monotonic()
        self._deadline.moment = begun + self._total
        answer: Any = None
        try:
            status, received, stream, answer = self._send(request)
            body = self._read(url, status, received, stream, types)
        except (httpcore.TimeoutException, httpx.TimeoutException) as error:
            if time.monotonic() >= self._deadline.moment - 1e-3:
                raise FetchError("too-slow", url, f"no whole answer after {self._total:g} s") from error
            raise FetchError("timeout", url, f"nothing came for {self._pause:g} s") from error
        except (httpcore.RemoteProtocolError, httpx.RemoteProtocolError) as error:
            kind = "cut-short" if "without sending complete" in str(error) else "protocol"
            raise FetchError(kind, url, str(error)[:200]) from error
        except (httpcore.NetworkError, httpx.NetworkError, OSError) as error:
            raise FetchError("connection", url, str(error)[:200] or type(error).__name__) from error
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, httpx.TransportError) as error:
            raise FetchError("bad-url", url, str(error)[:200]) from error
        finally:
            if answer is not None:
                answer.close()
        return Answer(
            status=status,
            url=url,
            body=body,
            headers={name.lower(): value for name, value in received.items()},
            elapsed=time.monotonic() - begun,
        )

    def _read(
        self, url: str, status: int, headers: httpx.Headers, stream: Iterable[bytes], types: tuple[str, ...]
    ) -> bytes:
        """Read the body of a 2xx answer within the bounds."""
        if not 200 <= status < 300:
            return b""
        media_type = headers.get("content-type", "").split(";")[0].strip().lower()
        if types and media_type and media_type not in types:
            raise FetchError("not-html", url, f"the answer is {media_type[:60]!r}, wanted {types[0]!r}")
        announced = headers.get("content-length", "")
        if announced.isascii() and announced.isdecimal() and len(announced) < 20 and int(announced) > self._most:
            raise FetchError("too-large", url, f"announces {int(announced):,} bytes, more than {self._most:,}")
        packed = bytearray()
        for piece in stream:
            packed += piece
            if len(packed) > self._most:
                raise FetchError("too-large", url, f"sends more than {self._most:,} bytes")
            if time.monotonic() > self._deadline.moment:
                raise FetchError("too-slow", url, f"no whole answer after {self._total:g} s")
        return unpack(bytes(packed), headers.get("content-encoding", ""), self._most, url)
