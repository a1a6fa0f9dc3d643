"""Which addresses of the site misbehave, and how: planned from the seed, so that a crawler can be marked."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

__all__ = ["FAULT_KINDS", "LOST_KINDS", "Fault", "plan_faults"]

_STREAM = 31

FAULT_KINDS: dict[str, str] = {
    "slow-once": "the first answer takes seconds, later ones do not",
    "slow-always": "every answer takes seconds",
    "status-500-once": "the first answer is 500",
    "status-500-always": "every answer is 500",
    "status-404": "listed in the sitemap, but gone",
    "status-429-once": "429 with Retry-After (seconds or a date) until that time has passed",
    "redirect": "moved to another address of this site",
    "redirect-loop": "two addresses that point at each other",
    "redirect-off-site": "moved to another host, scheme or port",
    "no-title-node": "neither heading nor structured data",
    "broken-json-ld": "structured data cut in the middle; the rest of the page is whole",
    "huge": "50 MB of page",
    "endless": "a page that drips for ever",
    "wrong-charset": "another encoding than the header says",
    "gzip-bomb": "a few kilobytes that unpack to gigabytes",
    "not-html": "a picture under a clip's address",
    "api-conflict": "the API tells another title or length than the page",
    "api-429-once": "the API answers 429 once",
    "api-slow-once": "the API takes seconds once",
    "api-cut-once": "the API's answer breaks off in the middle, once",
}
"""Every kind of fault, and what it does."""

LOST_KINDS: frozenset[str] = frozenset(
    {
        "slow-always",
        "status-500-always",
        "status-404",
        "redirect-loop",
        "redirect-off-site",
        "huge",
        "endless",
        "gzip-bomb",
        "not-html",
    }
)
"""Faults whose page no polite and careful crawler can get; pages with any other give a record."""

# In this order clips are given to the faults: those that patience mends come first.
_ON_CLIPS: tuple[tuple[str, str], ...] = (
    ("redirect", ""),
    ("status-500-once", ""),
    ("status-429-once", "seconds"),
    ("broken-json-ld", ""),
    ("no-title-node", ""),
    ("wrong-charset", "utf-8 declared as iso-8859-1"),
    ("wrong-charset", "windows-1251 declared as utf-8"),
    ("slow-once", ""),
    ("status-429-once", "date"),
    ("status-404", ""),
    ("status-500-always", ""),
    ("not-html", ""),
    ("redirect-loop", ""),
    ("redirect-off-site", "host"),
    ("redirect-off-site", "scheme"),
    ("redirect-off-site", "port"),
    ("huge", ""),
    ("gzip-bomb", ""),
)
# These cost a careful crawler seconds each, so that there is one of each and no clip is spent on it.
_ALONE: tuple[tuple[str, str], ...] = (("slow-always", ""), ("endless", ""))
_WAITING = ("slow-once", "status-429-once")  # at most one of each variant, for the same reason
_API = ("api-429-once", "api-slow-once", "api-cut-once")
_MOST_SHARE = 0.18
_ROUNDS_PER_CLIP = 1 / 160


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    Attributes
    ----------
    path : str
        Address on the site, from ``/``.
    kind : str
        One of ``FAULT_KINDS``.
    detail : str
        Which form of it.
    clip_id : str
        The clip or extra page; empty for faults of the API's answers.
    """

    path: str
    kind: str
    detail: str = ""
    clip_id: str = ""


def plan_faults(
    clip_ids: Iterable[str], titles: Iterable[str], seed: int, *, kinds: Collection[str] = FAULT_KINDS
) -> list[Fault]:
    """Choose the addresses that misbehave.

    Every kind asked for occurs, at the address where it is when all kinds are asked for. At most 18 % of the clips get
    a fault; kinds for which no clip is left get a page of their own (``/clips/c9999001`` and so on).

    Parameters
    ----------
    clip_ids : iterable of str
        The site's clips.
    titles : iterable of str
        Their titles: wrong encodings go where the title shows them.
    seed : int
        Another seed, other addresses.
    kinds : collection of str
        Some of :data:`FAULT_KINDS`.

    Returns
    -------
    list of Fault
        Each clip has at most one fault, ``api-conflict`` included.

    Raises
    ------
    ValueError
        If a kind is not known.
    """
    if unknown := sorted(set(kinds) - set(FAULT_KINDS)):
        raise ValueError(f"no fault is called {', '.join(map(repr, unknown))}; there are {', '.join(FAULT_KINDS)}")
    rng = np.random.default_rng([seed, _STREAM])
    names, words = np.array(list(clip_ids), dtype=object), np.array(list(titles), dtype=object)
    order = rng.permutation(names.size)
    pool = dict(zip(names[order].tolist(), words[order].tolist(), strict=True))
    budget = int(_MOST_SHARE * len(pool))
    rounds = max(1, int(len(pool) * _ROUNDS_PER_CLIP))
    faults: list[Fault] = []
    extra = 0
    for turn in range(rounds):
        for kind, detail in _ON_CLIPS + (_ALONE if turn == 0 else ()):
            if turn and kind in _WAITING:
                continue
            if len(faults) - extra < budget and (kind, detail) not in _ALONE:
                clip_id = _fitting(pool, kind, detail)
                del pool[clip_id]
            elif turn == 0:
                extra += 1
                clip_id = f"c9999{extra:03d}"
            else:
                continue
            faults.append(Fault(f"/clips/{clip_id}", kind, detail, clip_id))
    conflicts = list(pool)[: max(2, names.size // 60)]
    faults += [
        Fault(f"/clips/{clip_id}", "api-conflict", ("title", "duration")[place % 2], clip_id)
        for place, clip_id in enumerate(conflicts)
    ]
    # The first three requests: a download of two pages already meets all three.
    faults += [
        Fault("/api/v1/clips", kind, f"request {number}")
        for kind, number in zip(rng.permutation(_API).tolist(), (1, 2, 3), strict=True)
    ]
    return [fault for fault in faults if fault.kind in kinds]


def _fitting(pool: dict[str, str], kind: str, detail: str) -> str:
    """Return the first clip of the pool on which the fault shows, else the first."""
    if kind == "wrong-charset":
        coding = "cp1251" if detail.startswith("windows") else "utf-8"
        for clip_id, title in pool.items():
            if any("\u0400" <= letter <= "\u04ff" for letter in title) if coding == "cp1251" else not title.isascii():
                return clip_id
    return next(iter(pool))
