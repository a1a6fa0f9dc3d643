"""A polite crawler of one site that can be killed: what it finds, what it could not have, and what it cost."""

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from avrec_lib.collect.addresses import tidy_address
from avrec_lib.collect.bounded import FetchError
from avrec_lib.collect.frontier import DATABASE, Frontier
from avrec_lib.collect.kept import explained
from avrec_lib.collect.manners import PoliteClient
from avrec_lib.collect.records import read_failures, read_page, read_records
from avrec_lib.collect.rules import Manners
from avrec_lib.collect.visits import learn_rules, visit

__all__ = ["CrawlReport", "crawl", "read_failures", "read_page", "read_records"]


@dataclass(frozen=True)
class CrawlReport:
    """What one call of :func:`crawl` did.

    Attributes
    ----------
    requests : int
        Requests sent, retries and ``robots.txt`` included.
    stored : int
        Pages that came in full.
    unchanged : int
        Pages that the site said are as they were (304).
    redirected : int
        Pages that are elsewhere.
    failed, refused : int
        Addresses given up, and not asked because the rules forbid it; see :func:`read_failures`.
    waiting : int
        Addresses still to be asked.
    dropped : int
        Links that were not followed, because a crawl knows 200,000 addresses at the most; the site has more than was
        read where this is not 0. A link that stands on two pages may count twice.
    resumed : bool
        Whether this call went on with a crawl that had been left.
    megabytes : float
        Size of the bodies, unpacked, 10^6 bytes.
    seconds, waited : float
        How long it took, and how much of that was waiting out of politeness, seconds.
    come_back_in : float
        The site asked to be left alone for so many seconds, more than ``Manners.longest_wait``, and the rest waits;
        0 otherwise. A call that comes earlier asks nothing.
    """

    requests: int
    stored: int
    unchanged: int
    redirected: int
    failed: int
    refused: int
    waiting: int
    dropped: int
    resumed: bool
    megabytes: float
    seconds: float
    waited: float
    come_back_in: float = 0.0

    @property
    def pages_per_second(self) -> float:
        """Pages answered (stored, unchanged or elsewhere) a second."""
        return (self.stored + self.unchanged + self.redirected) / max(self.seconds, 1e-9)

    def as_series(self) -> pd.Series:
        """Return the figures by name."""
        return pd.Series({**asdict(self), "pages_per_second": self.pages_per_second}, dtype=object)


def crawl(
    start: str,
    folder: str | Path,
    *,
    manners: Manners | None = None,
    pages: int | None = None,
    megabytes: float = 2_000.0,
    seconds: float = math.inf,
    progress: bool = True,
    seed: int = 0,
) -> CrawlReport:
    """Crawl a site: its sitemaps, its pages, and where they lead on the same site.

    One page is asked at a time. A page that fails is asked again later, while others go on. A crawl that was killed
    goes on where it was, and asks nothing twice but the page that was under way; a finished crawl is done again with
    conditional requests, so that only what has changed is sent.

    Parameters
    ----------
    start : str
        Address to start from; its scheme, host and port are the site.
    folder : path
        Where everything is kept.
    manners : Manners, optional
        The rules to keep.
    pages : int, optional
        Ask at most so many times in this call; what is left waits for the next.
    megabytes : float
        Ask no more once the bodies of this call, unpacked, come to so many 10^6 bytes; what is left waits. The last
        body may go beyond by :attr:`Manners.max_bytes`.
    seconds : float
        Ask no more after so many seconds; what is left waits. The last answer may take longer by
        :attr:`Manners.total_seconds`.
    progress : bool
        Show a bar.
    seed : int
        Seed of the random part of the waits.

    Returns
    -------
    CrawlReport
        What was done. The records are read by :func:`read_records`.

    Raises
    ------
    FetchError
        ``robots`` if the site's rules cannot be read or forbid the start; ``bad-url`` if `start` is no address.
    ValueError
        If the folder holds another crawl, or a bound is not above 0.
    RuntimeError
        If another process crawls into the folder.
    OSError
        If the disk is full, or the folder cannot be written.
    """
    for name, bound in (("megabytes", megabytes), ("seconds", seconds)):
        if not bound > 0:
            raise ValueError(f"{name} must be above 0, not {bound}")
    address = tidy_address("", start)
    if address is None:
        raise FetchError("bad-url", "the start", "a crawl starts from an http address that holds no name and password")
    start = address
    begun = time.monotonic()
    done = dict.fromkeys(("stored", "unchanged", "redirected"), 0)
    size = slept = come_back_in = 0.0
    asked = 0
    with (
        explained(Path(folder) / DATABASE, "crawl"),
        Frontier(Path(folder), start) as frontier,
        PoliteClient(manners, seed=seed) as client,
    ):
        resumed, learned = frontier.begin(), False
        longest = client.manners.longest_wait
        with tqdm(desc="crawl", unit=" pages", disable=None if progress else True) as bar:
            while (pages is None or asked < pages) and size < megabytes:
                left = begun + seconds - time.monotonic()
                if left <= 0:
                    break
                rest = frontier.rest_until() - time.time()
                if rest > longest:
                    come_back_in = rest
                    break
                if rest <= 0 and not learned:
                    learn_rules(frontier, client, start)
                    learned = True
                page = frontier.next(time.time()) if rest <= 0 else None
                if page is None:
                    due = frontier.next_due() if learned else time.time()
                    if due is None:
                        frontier.finish()
                        break
                    pause = min(max(due - time.time(), rest, 0.0), longest, left)
                    time.sleep(pause)
                    slept += pause
                    continue
                before = client.requests
                answer = visit(frontier, client, page, seed)
                asked += client.requests - before
                if answer is not None:
                    size += len(answer.body) / 1e6
                    kind = "unchanged" if answer.status == 304 else "redirected" if answer.status >= 300 else "stored"
                    done[kind] += 1
                    bar.update()
        states = frontier.counts()
        return CrawlReport(
            requests=client.requests,
            **done,
            failed=states.get("failed", 0),
            refused=states.get("refused", 0),
            waiting=states.get("waiting", 0),
            dropped=frontier.dropped(),
            resumed=resumed,
            megabytes=size,
            seconds=time.monotonic() - begun,
            waited=client.waited + slept,
            come_back_in=come_back_in,
        )
