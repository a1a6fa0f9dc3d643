"""Start and stop the site: a server in a thread of its own, on a free port that only this machine can reach."""

import asyncio
import math
import socket
import threading
from collections.abc import Collection
from types import TracebackType

import pandas as pd
import uvicorn

from avrec_lib.world.site.api import Api
from avrec_lib.world.site.app import Diary, make_app
from avrec_lib.world.site.faults import FAULT_KINDS, LOST_KINDS, plan_faults
from avrec_lib.world.site.misbehaviour import Misbehaviour
from avrec_lib.world.site.shelf import Shelf
from avrec_lib.world.store import World

__all__ = ["Site", "serve_site"]

_HOST = "127.0.0.1"
_COLUMNS = ["time", "method", "path", "query", "status", "agent", "bytes", "if_none_match"]
_GRACE_SECONDS = 0.3
_PATIENCE_SECONDS = 10.0


class _Server(uvicorn.Server):
    """A server that says when it is ready, and that no hanging client can keep from stopping."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()  # what drips or waits ends by itself
        for server in self.servers:
            server.close()
        for _ in range(int(_GRACE_SECONDS / 0.01)):
            if not self.server_state.tasks:
                break
            await asyncio.sleep(0.01)
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await super().shutdown(sockets)


class Site:
    """Tidepool's web site, running or not.

    Made by :func:`serve_site`; starts at ``start()`` or ``with``, stops at ``stop()`` or at the end of the block.

    Attributes
    ----------
    url : str
        Its address, without the last slash.
    client_id, client_secret : str
        For the API.
    faults : DataFrame
        ``url, kind, detail, clip_id, lost``: what was planted. ``lost`` marks pages that no careful crawler gets.
    """

    def __init__(
        self,
        world: World,
        *,
        crawl_delay: float = 0.02,
        faults: bool | Collection[str] = True,
        seed: int = 0,
        log_requests: bool = True,
        slow_seconds: float = 2.5,
        port: int = 0,
    ) -> None:
        for name, value in (("crawl_delay", crawl_delay), ("slow_seconds", slow_seconds)):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is a number of seconds, 0 or more, not {value!r}")
        self._world = world
        self._crawl_delay, self._port, self._keep = crawl_delay, port, log_requests
        self._shelf = Shelf(world)
        titles = [entry.title for entry in self._shelf.entries.values()]
        kinds = (FAULT_KINDS if faults else ()) if isinstance(faults, bool) else faults
        self._planted = plan_faults(self._shelf.entries, titles, seed, kinds=kinds)
        names = [fault.clip_id for fault in self._planted if fault.clip_id and fault.clip_id not in self._shelf.entries]
        self._shelf.add_extra(names)
        self._misbehaviour = Misbehaviour(self._planted, slow_seconds)
        self._api = Api(self._shelf, self._misbehaviour)
        self.client_id, self.client_secret = self._api.client_id, self._api.client_secret
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._diary: Diary | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        """Address of the site, without the last slash."""
        if self._url is None:
            raise RuntimeError("the site has no address before it is started: call start(), or use it in a with block")
        return self._url

    @property
    def faults(self) -> pd.DataFrame:
        """What was planted: ``url, kind, detail, clip_id, lost``."""
        rows = [
            (self.url + fault.path, fault.kind, fault.detail, fault.clip_id, fault.kind in LOST_KINDS)
            for fault in self._planted
        ]
        table = pd.DataFrame(rows, columns=["url", "kind", "detail", "clip_id", "lost"])
        return table.astype({"url": str, "kind": str, "detail": str, "clip_id": str, "lost": bool})

    def start(self) -> "Site":
        """Start the server and wait until it answers.

        Returns
        -------
        Site
            This one.

        Raises
        ------
        RuntimeError
            If it was started before.
        OSError
            If the port is taken.
        """
        if self._thread is not None:
            raise RuntimeError("this site was started before: call serve_site again for another")
        # The protocol is named because asyncio turns off Nagle's delay (40 ms an answer) only on sockets that name it.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((_HOST, self._port))
        except OSError:
            listener.close()
            raise
        port = listener.getsockname()[1]
        self._url = f"http://{_HOST}:{port}"
        app = make_app(
            self._world, self._shelf, self._api, self._misbehaviour, crawl_delay=self._crawl_delay, url=self._url
        )
        self._diary = Diary(app, {f"{_HOST}:{port}", f"localhost:{port}"}, keep=self._keep)
        config = uvicorn.Config(
            self._diary,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        server = self._server = _Server(config, self._misbehaviour.stopping)
        # The loop lives in this thread only: a notebook's own loop is not touched.
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name=f"tidepool-{port}", daemon=True
        )
        self._thread.start()
        while not server.ready.wait(0.05):
            if not self._thread.is_alive():
                listener.close()
                raise RuntimeError(f"the server at {self._url} ended before it was ready")
        return self

    def _halt(self) -> None:
        if self._thread is None or self._server is None:
            return
        self._server.should_exit = True
        self._thread.join(_PATIENCE_SECONDS)
        if self._thread.is_alive():
            raise RuntimeError(f"the server at {self._url} does not stop")

    def stop(self) -> None:
        """Stop the server, whatever its clients do; nothing happens if it does not run.

        Raises
        ------
        RuntimeError
            If it still runs after ten seconds, or if the site failed at a request by a mistake of
            its own, which no planted fault is.
        """
        self._halt()
        if self._diary is None:
            return
        failures, self._diary.failures = self._diary.failures, []
        if failures:
            path, error = failures[0]
            raise RuntimeError(f"the site failed at {len(failures)} request(s), first at {path}: {error!r}") from error

    def __enter__(self) -> "Site":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.stop()
        else:
            self._halt()  # what went wrong in the block is the news, not what follows from it

    def touch(self, clip_id: str, title: str | None = None) -> str:
        """Change a clip's title; its page gets another ETag and a later date.

        Parameters
        ----------
        clip_id : str
            Which clip.
        title : str, optional
            The new title; by default the old one with ``(edited)`` behind it.

        Returns
        -------
        str
            The new title.

        Raises
        ------
        KeyError
            If there is no such clip.
        """
        return self._shelf.touch(clip_id, title).title

    def requests(self) -> pd.DataFrame:
        """Return what was asked so far.

        Returns
        -------
        DataFrame
            ``time`` (UTC, when the request came), ``method, path, query, status`` (absent while it
            is being answered), ``agent, bytes`` (of the body, as sent), ``if_none_match``; in the order of arrival.
        """
        rows = [list(row) for row in list(self._diary.rows)] if self._diary is not None else []
        table = pd.DataFrame(rows, columns=_COLUMNS)
        table["time"] = pd.to_datetime(table["time"].astype("float64"), unit="s", utc=True).astype(
            "datetime64[us, UTC]"
        )
        table["status"] = table["status"].astype("Int64")
        table["bytes"] = table["bytes"].astype("int64")
        return table.astype(dict.fromkeys(["method", "path", "query", "agent", "if_none_match"], "str"))


def serve_site(
    world: World,
    *,
    crawl_delay: float = 0.02,
    faults: bool | Collection[str] = True,
    seed: int = 0,
    log_requests: bool = True,
    slow_seconds: float = 2.5,
    port: int = 0,
) -> Site:
    """Serve a world's web site on this machine.

    Parameters
    ----------
    world : World
        The platform; its truth is not read.
    crawl_delay : float
        Seconds between two requests that robots.txt asks for.
    faults : bool or collection of str
        Whether some addresses misbehave; or in which ways only, some of ``FAULT_KINDS``.
    seed : int
        Chooses which.
    log_requests : bool
        Whether requests are kept for :meth:`Site.requests`.
    slow_seconds : float
        How long a slow answer takes.
    port : int
        Where to listen; 0 takes a free port.

    Returns
    -------
    Site
        Not yet started: use it in a ``with`` block, or call ``start()`` and ``stop()``.

    Raises
    ------
    ValueError
        If a number of seconds is negative or not finite, or a kind of fault is not known.
    """
    return Site(
        world,
        crawl_delay=crawl_delay,
        faults=faults,
        seed=seed,
        log_requests=log_requests,
        slow_seconds=slow_seconds,
        port=port,
    )
