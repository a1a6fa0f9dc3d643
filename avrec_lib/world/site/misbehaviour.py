"""Answers as bad servers give them: late, refusing, going round in circles, without end, in the wrong encoding."""

import asyncio
import contextlib
import functools
import gzip
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate

import numpy as np
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from avrec_lib.world.site.faults import Fault
from avrec_lib.world.site.pages import message_page

__all__ = ["HUGE_BYTES", "Misbehaviour", "gzip_bomb"]

HUGE_BYTES = 50_000_000
"""Size of a huge page."""

_WAIT_SECONDS = 1  # what a 429 asks for
_DRIP_SECONDS = 0.2
_BLOCK = 1 << 20
_BOMB_BLOCKS = 8_192  # 8 GiB of zeros


@functools.cache
def gzip_bomb() -> bytes:
    """Return some kilobytes that unpack, twice over, to 8 GiB.

    The inner stream repeats one compressed block; its end, with the check sum, never comes.

    Returns
    -------
    bytes
        For ``Content-Encoding: gzip, gzip``.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = packer.compress(bytes(_BLOCK)) + packer.flush(zlib.Z_FULL_FLUSH)
    inner = gzip.compress(b"", mtime=0)[:10] + head * _BOMB_BLOCKS
    return gzip.compress(inner, mtime=0)


@functools.cache
def _picture() -> bytes:
    """Return something that begins and ends as a JPEG file does."""
    noise = np.random.default_rng(0).integers(0, 255, 4_000, dtype=np.uint8).tobytes()
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + noise + b"\xff\xd9"


class Misbehaviour:
    """The faulty side of one running site: it remembers whom it has already turned away.

    Parameters
    ----------
    faults : list of Fault
        What was planted.
    slow_seconds : float
        How long a slow answer takes.

    Attributes
    ----------
    stopping : asyncio.Event
        Set when the site stops: whatever waits or drips then ends.
    """

    def __init__(self, faults: list[Fault], slow_seconds: float) -> None:
        self.by_path = {fault.path: fault for fault in faults if fault.clip_id and fault.kind != "api-conflict"}
        self.by_request = {
            int(fault.detail.split()[1]): fault.kind for fault in faults if fault.detail.startswith("request ")
        }
        self.conflicts = {fault.clip_id: fault.detail for fault in faults if fault.kind == "api-conflict"}
        self.slow_seconds = slow_seconds
        self.stopping = asyncio.Event()
        self._asked: Counter[str] = Counter()
        self._closed_until: dict[str, float] = {}

    async def wait(self, seconds: float) -> None:
        """Wait, but no longer than the site runs."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    def refuse(self, name: str, form: str = "seconds") -> Response | None:
        """Answer 429 until the time that the first refusal named has passed, then None."""
        now = time.time()
        if name not in self._closed_until:
            # A date has whole seconds: round up.
            self._closed_until[name] = now + _WAIT_SECONDS if form == "seconds" else float(int(now) + 1 + _WAIT_SECONDS)
        until = self._closed_until[name]
        if now >= until:
            return None
        after = str(_WAIT_SECONDS) if form == "seconds" else formatdate(until, usegmt=True)
        return HTMLResponse(message_page("Too many requests", "Come back later."), 429, {"retry-after": after})

    async def answer(self, fault: Fault, request: Request, origin: str, page: Callable[..., str]) -> Response | None:
        """Answer a request for a faulty address.

        Parameters
        ----------
        fault : Fault
            What was planted there.
        request : Request
            What is asked.
        origin : str
            Address of the site, such as ``http://127.0.0.1:8000``.
        page : callable
            Writes the page as it should be; options as of :func:`avrec_lib.world.site.pages.clip_page`.

        Returns
        -------
        Response or None
            None if this request is to be answered as if nothing were wrong.
        """
        self._asked[fault.path] += 1
        first = self._asked[fault.path] == 1
        match fault.kind:
            case "slow-once" | "slow-always":
                if first or fault.kind == "slow-always":
                    await self.wait(self.slow_seconds)
                return None
            case "status-500-once" | "status-500-always":
                if first or fault.kind == "status-500-always":
                    return HTMLResponse(message_page("Something broke", "We are looking into it."), 500)
                return None
            case "status-429-once":
                return self.refuse(fault.path, fault.detail)
            case "status-404":
                return HTMLResponse(message_page("Gone", "This clip was taken down."), 404)
            case "redirect":
                return RedirectResponse(f"{fault.path}/moved", 301)
            case "redirect-loop":
                return RedirectResponse(f"{fault.path}/loop-1", 302)
            case "redirect-off-site":
                return RedirectResponse(_elsewhere(origin, fault), 302)
            case "no-title-node":
                return HTMLResponse(page(with_title=False))
            case "broken-json-ld":
                return HTMLResponse(page(whole_json=False))
            case "wrong-charset":
                return _wrong_charset(page(), fault.detail)
            case "gzip-bomb":
                bomb = await asyncio.to_thread(gzip_bomb)
                return Response(bomb, 200, {"content-encoding": "gzip, gzip"}, "text/html; charset=utf-8")
            case "not-html":
                return Response(_picture(), 200, media_type="image/jpeg")
            case "huge" | "endless":
                body = self._flood(page()) if fault.kind == "huge" else self._drip(page())
                if request.method == "HEAD":
                    return HTMLResponse("")
                return StreamingResponse(body, 200, media_type="text/html; charset=utf-8")
        raise ValueError(f"{fault.path}: no way is known to answer with fault {fault.kind!r}")

    async def _flood(self, page: str) -> AsyncIterator[bytes]:
        yield page.partition("</main>")[0].encode()
        line = b"<p>and on and on and on</p>\n" * 2_000
        for _ in range(HUGE_BYTES // len(line)):
            if self.stopping.is_set():
                return
            yield line
            await asyncio.sleep(0)  # others want to be served too

    async def _drip(self, page: str) -> AsyncIterator[bytes]:
        yield page.partition("</main>")[0].encode()
        while not self.stopping.is_set():
            yield b"<br>"
            await self.wait(_DRIP_SECONDS)


def _elsewhere(origin: str, fault: Fault) -> str:
    """Return an address that is not of this site; the first would still be answered, so that a visit is seen."""
    port = int(origin.rpartition(":")[2])
    return {
        "host": f"http://localhost:{port}/elsewhere/{fault.clip_id}",
        "scheme": f"https://127.0.0.1:{port}/elsewhere/{fault.clip_id}",
        "port": f"http://127.0.0.1:9/elsewhere/{fault.clip_id}",
    }[fault.detail]


def _wrong_charset(page: str, detail: str) -> Response:
    if detail.startswith("windows"):
        body = page.replace('<meta charset="utf-8">\n', "").encode("cp1251", errors="xmlcharrefreplace")
        return Response(body, 200, media_type="text/html; charset=utf-8")
    return Response(page.encode(), 200, {"content-type": "text/html; charset=iso-8859-1"})
