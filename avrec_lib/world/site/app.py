"""The site as an ASGI application: addresses, conditional requests, and a record of what was asked."""

import hashlib
import time
from collections.abc import Sequence
from email.utils import formatdate, parsedate_to_datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avrec_lib.world.site import pages, sitemaps
from avrec_lib.world.site.api import Api
from avrec_lib.world.site.misbehaviour import Misbehaviour
from avrec_lib.world.site.shelf import Entry, Shelf
from avrec_lib.world.store import World

__all__ = ["Diary", "conditional", "make_app"]

_HTML = "text/html; charset=utf-8"
_GUARDS = [(b"x-content-type-options", b"nosniff"), (b"content-security-policy", b"default-src 'self'")]


class Diary:
    """Write down every request, and turn away those that name another host.

    Parameters
    ----------
    app : ASGI application
        Answers the requests.
    hosts : set of str
        Hosts, with port, under which the site is known. Any other is refused with 400,
        so that no page elsewhere can reach the site by a name of its own.
    keep : bool
        Whether requests are written down.

    Attributes
    ----------
    rows : list of list
        ``[time, method, path, query, status, agent, bytes, if_none_match]``; a row is there as
        soon as the request is, and is filled in while it is answered.
    failures : list of tuple of str and Exception
        Addresses that the site could not answer because of a mistake of its own.
    """

    def __init__(self, app: ASGIApp, hosts: set[str], *, keep: bool) -> None:
        self.app, self.hosts, self.keep = app, hosts, keep
        self.rows: list[list] = []
        self.failures: list[tuple[str, Exception]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        row = [
            time.time(),
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            None,
            headers.get(b"user-agent"),
            0,
            headers.get(b"if-none-match"),
        ]
        if self.keep:
            self.rows.append(row)

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                row[4] = message["status"]
                message["headers"] = [*message["headers"], *_GUARDS]
            elif scope["method"] != "HEAD":
                row[6] += len(message.get("body", b""))
            await send(message)

        if headers.get(b"host", "") not in self.hosts:
            await HTMLResponse(pages.message_page("Bad request", "No such host here."), 400)(scope, receive, noted)
        else:
            try:
                await self.app(scope, receive, noted)
            except Exception as error:
                self.failures.append((scope["path"], error))
                raise


def conditional(request: Request, body: str | bytes, modified: int, media_type: str = _HTML) -> Response:
    """Answer with a page, or with 304 if the client has it already.

    Parameters
    ----------
    request : Request
        May carry ``If-None-Match`` or, without it, ``If-Modified-Since``.
    body : str or bytes
        The page.
    modified : int
        Unix time of its last change.
    media_type : str
        Its type.

    Returns
    -------
    Response
        With ETag and Last-Modified (RFC 9110, section 13).
    """
    content = body.encode() if isinstance(body, str) else body
    etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"etag": etag, "last-modified": formatdate(modified, usegmt=True), "cache-control": "no-cache"}
    known = request.headers.get("if-none-match")
    if known is not None:
        fresh = known.strip() == "*" or etag in (name.strip().removeprefix("W/") for name in known.split(","))
    else:
        fresh = _not_after(modified, request.headers.get("if-modified-since"))
    if fresh:
        return Response(status_code=304, headers=headers)
    return Response(content, 200, headers | {"content-type": media_type})


def _not_after(modified: int, since: str | None) -> bool:
    if since is None:
        return False
    try:
        return modified <= parsedate_to_datetime(since).timestamp()
    except (ValueError, OverflowError):
        return False  # an unreadable date counts as none


class _Views:
    """The pages, as functions of a request."""

    def __init__(self, world: World, shelf: Shelf, misbehaviour: Misbehaviour, crawl_delay: float, url: str) -> None:
        self._world, self._shelf, self._misbehaviour = world, shelf, misbehaviour
        self._crawl_delay, self._url = crawl_delay, url
        self._person = str(world.users["user_id"].iloc[0]) if len(world.users) else None

    def _all(self) -> Sequence[Entry]:
        return [*self._shelf.entries.values(), *self._shelf.extra.values()]

    async def home(self, request: Request) -> Response:
        body = pages.home_page(self._shelf.listed(0, pages.BROWSE_SIZE), list(self._shelf.extra.values()), self._person)
        return conditional(request, body, self._shelf.latest(self._shelf.entries.values()))

    async def browse(self, request: Request) -> Response:
        last = -(-len(self._shelf.entries) // pages.BROWSE_SIZE)
        asked = request.query_params.get("page", "1")
        number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
        if not 1 <= number <= last:
            raise HTTPException(404, f"There are pages 1 to {last}.")
        entries = self._shelf.listed((number - 1) * pages.BROWSE_SIZE, pages.BROWSE_SIZE)
        return conditional(request, pages.browse_page(entries, number, last), self._shelf.latest(entries))

    async def clip(self, request: Request) -> Response:
        entry = self._shelf.find(request.path_params["clip_id"])
        if entry is None:
            raise HTTPException(404, "There is no such clip.")

        def page(**options: bool) -> str:
            return pages.clip_page(entry, self._shelf.related(entry), self._url, **options)

        fault = self._misbehaviour.by_path.get(request.scope["path"])
        if fault is not None:
            answer = await self._misbehaviour.answer(fault, request, self._url, page)
            if answer is not None:
                return answer
        return conditional(request, page(), entry.modified)

    async def clip_step(self, request: Request) -> Response:
        """Answer the addresses to which faulty clips redirect."""
        clip_id, step = request.path_params["clip_id"], request.path_params["step"]
        entry, fault = self._shelf.find(clip_id), self._misbehaviour.by_path.get(f"/clips/{clip_id}")
        if entry is not None and fault is not None:
            if fault.kind == "redirect" and step == "moved":
                body = pages.clip_page(entry, self._shelf.related(entry), self._url)
                return conditional(request, body, entry.modified)
            if fault.kind == "redirect-loop" and step in ("loop-1", "loop-2"):
                return RedirectResponse(f"{fault.path}/{'loop-2' if step == 'loop-1' else 'loop-1'}", 302)
        raise HTTPException(404, "There is no such page.")

    async def watch(self, request: Request) -> Response:
        entry = self._shelf.find(request.query_params.get("v", ""))
        if entry is None:
            raise HTTPException(404, "There is no such clip.")
        return RedirectResponse(f"/clips/{entry.clip_id}", 301)

    async def creator(self, request: Request) -> Response:
        names = self._shelf.creators.get(request.path_params["creator_id"])
        if names is None:
            raise HTTPException(404, "There is no such creator.")
        entries = [self._shelf.entries[name] for name in names]
        return conditional(request, pages.creator_page(entries), self._shelf.latest(entries))

    async def media(self, request: Request) -> Response:
        clip_id = self._shelf.media(request.path_params["name"])
        if clip_id is None:
            raise HTTPException(404, "There is no such file.")
        try:
            path = self._world.media(clip_id)
        except ValueError as error:  # the catalogue lists it, but it leads out of the folder
            raise HTTPException(404, "There is no such file.") from error
        if not path.is_file():
            raise HTTPException(404, "There is no such file.")
        answer = FileResponse(path, stat_result=path.stat())
        if request.headers.get("if-none-match") == answer.headers["etag"] and "range" not in request.headers:
            return Response(status_code=304, headers={"etag": answer.headers["etag"]})
        return answer

    async def search(self, request: Request) -> Response:
        words = request.query_params.get("q", "")[:200]
        wanted = words.casefold()
        found = [entry for entry in self._shelf.entries.values() if wanted and wanted in entry.title.casefold()]
        return HTMLResponse(pages.search_page(words, found[: pages.BROWSE_SIZE]))

    async def history(self, request: Request) -> Response:
        user_id = request.path_params["user_id"]
        rows = self._shelf.history(user_id)
        if rows is None:
            raise HTTPException(404, "There is no such person.")
        return HTMLResponse(pages.history_page(user_id, rows))

    async def elsewhere(self, request: Request) -> Response:
        """Answer who follows a redirect to another host, which is this machine under another name."""
        return HTMLResponse(pages.message_page("Elsewhere", "You have left Tidepool."))

    async def robots(self, request: Request) -> Response:
        return Response(sitemaps.robots_txt(self._url, self._crawl_delay), media_type="text/plain")

    async def sitemap(self, request: Request) -> Response:
        return conditional(
            request, sitemaps.sitemap_index(self._url), self._shelf.latest(self._all()), "application/xml"
        )

    async def sitemap_plain(self, request: Request) -> Response:
        entries = self._all()[::2]
        return conditional(
            request, sitemaps.sitemap(entries, self._url), self._shelf.latest(entries), "application/xml"
        )

    async def sitemap_packed(self, request: Request) -> Response:
        entries = self._all()[1::2]
        body = sitemaps.sitemap_gzip(entries, self._url)
        return conditional(request, body, self._shelf.latest(entries), "application/gzip")


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return HTMLResponse(pages.message_page(str(error.status_code), str(error.detail)), error.status_code, error.headers)


def make_app(
    world: World, shelf: Shelf, api: Api, misbehaviour: Misbehaviour, *, crawl_delay: float, url: str
) -> ASGIApp:
    """Put the pages and the API under their addresses.

    Parameters
    ----------
    world : World
        The platform.
    shelf : Shelf
        Its clips as the site shows them.
    api : Api
        The JSON API.
    misbehaviour : Misbehaviour
        What goes wrong.
    crawl_delay : float
        What robots.txt asks for, in seconds.
    url : str
        Address of the site, without the last slash.

    Returns
    -------
    ASGI application
        The site.
    """
    views = _Views(world, shelf, misbehaviour, crawl_delay, url)
    routes = [
        Route("/clips/{clip_id}", views.clip),
        Route("/clips/{clip_id}/{step}", views.clip_step),
        Route("/media/{name}", views.media),
        Route("/browse", views.browse),
        Route("/creators/{creator_id}", views.creator),
        Route("/", views.home),
        Route("/watch", views.watch),
        Route("/search", views.search),
        Route("/private/history/{user_id}", views.history),
        Route("/elsewhere/{clip_id}", views.elsewhere),
        Route("/robots.txt", views.robots),
        Route("/sitemap.xml", views.sitemap),
        Route("/sitemap-1.xml", views.sitemap_plain),
        Route("/sitemap-2.xml.gz", views.sitemap_packed),
        Route("/api/v1/token", api.token, methods=["POST"]),
        Route("/api/v1/clips", api.clips),
        Route("/api/v1/history/{user_id}", api.history),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _problem})
