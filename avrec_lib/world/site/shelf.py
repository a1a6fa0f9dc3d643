"""What the site shows: clips, creators and histories, from the platform's own tables and never from the truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from avrec_lib.world.site.series import read_series
from avrec_lib.world.text import creator_handle

if TYPE_CHECKING:
    from avrec_lib.world.store import World

__all__ = ["Entry", "Shelf", "as_utc"]


@dataclass(frozen=True)
class Entry:
    """One clip as the site shows it.

    Attributes
    ----------
    clip_id, title, description, creator_id, creator : str
        As published; ``description`` may be None, ``creator`` is the handle.
    tags : tuple of str
        In the creator's order.
    uploaded : datetime
        With time zone.
    modified : int
        Unix time of the last change, seconds.
    seconds : float
        Length.
    file : str
        Name under ``/media/``; empty where there is none.
    views, likes : int
        As counted in the log.
    series : str or None
        Of which it is an episode, if its text says so.
    number : int or None
        Which episode, if its text says so.
    """

    clip_id: str
    title: str
    description: str | None
    creator_id: str
    creator: str
    tags: tuple[str, ...]
    uploaded: datetime
    modified: int
    seconds: float
    file: str
    views: int = 0
    likes: int = 0
    series: str | None = None
    number: int | None = None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


class Shelf:
    """All clips of the site, in the order of the catalogue.

    Parameters
    ----------
    world : World
        The platform. Its tables ``clips`` and ``events`` are read.

    Attributes
    ----------
    entries : dict of str to Entry
        By identifier, newest first: what ``/browse`` lists and the API hands out.
    extra : dict of str to Entry
        Pages that are no clips of the platform, planted as faults.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._histories: dict[str, np.ndarray] | None = None
        events = world.events
        views = events.loc[events["kind"] == "watch", "clip_id"].value_counts().to_dict()
        likes = events.loc[events["kind"] == "like", "clip_id"].value_counts().to_dict()
        clips = world.clips.sort_values(["release_time", "clip_id"], ascending=[False, True])
        self.entries: dict[str, Entry] = {}
        self.extra: dict[str, Entry] = {}
        for row in clips.to_dict("records"):
            uploaded = row["release_time"].to_pydatetime()
            series, number = read_series(row["title"], _text(row["description"])) or (None, None)
            self.entries[row["clip_id"]] = Entry(
                clip_id=row["clip_id"],
                title=row["title"],
                description=_text(row["description"]),
                creator_id=row["creator_id"],
                creator=creator_handle(row["creator_id"]),
                tags=tuple(tag for tag in (_text(row["tags"]) or "").split("|") if tag),
                uploaded=uploaded,
                modified=int(uploaded.timestamp()),
                seconds=float(row["duration_seconds"]),
                file=row["path"],
                views=int(views.get(row["clip_id"], 0)),
                likes=int(likes.get(row["clip_id"], 0)),
                series=series,
                number=number,
            )
        self._order = list(self.entries)
        self._place = {clip_id: place for place, clip_id in enumerate(self._order)}
        self.creators: dict[str, list[str]] = {}
        for entry in self.entries.values():
            self.creators.setdefault(entry.creator_id, []).append(entry.clip_id)
        self._owner_of_file = {entry.file: entry.clip_id for entry in self.entries.values()}

    def add_extra(self, clip_ids: Iterable[str]) -> None:
        """Put up pages that look like clips but belong to none of the catalogue.

        Parameters
        ----------
        clip_ids : iterable of str
            Identifiers that no clip has.
        """
        model = self.entries[self._order[0]]
        for number, clip_id in enumerate(clip_ids, 1):
            self.extra[clip_id] = Entry(
                clip_id=clip_id,
                title=f"Staff upload {number} – please ignore",
                description="A page that the staff put up to try the site.",
                creator_id=model.creator_id,
                creator=model.creator,
                tags=("staff", "tidepool"),
                uploaded=model.uploaded,
                modified=model.modified,
                seconds=model.seconds,
                file="",
            )

    def find(self, clip_id: str) -> Entry | None:
        """Look up a clip or extra page.

        Parameters
        ----------
        clip_id : str
            Its identifier.

        Returns
        -------
        Entry or None
            None if there is none.
        """
        return self.entries.get(clip_id) or self.extra.get(clip_id)

    def listed(self, start: int, count: int) -> list[Entry]:
        """Return a stretch of the catalogue.

        Parameters
        ----------
        start, count : int
            First place, from 0, and how many at most.

        Returns
        -------
        list of Entry
            Newest first.
        """
        return [self.entries[clip_id] for clip_id in self._order[start : start + count]]

    def related(self, entry: Entry, most: int = 5) -> list[Entry]:
        """Return a few other clips: the same creator's, then those next in the catalogue.

        Parameters
        ----------
        entry : Entry
            The clip that is being looked at.
        most : int
            How many at most.

        Returns
        -------
        list of Entry
            Never the clip itself.
        """
        place = self._place.get(entry.clip_id, 0)
        near = (self._order[(place + step) % len(self._order)] for step in range(1, most + 2))
        names = dict.fromkeys([*self.creators.get(entry.creator_id, [])[: most + 1], *near])
        return [self.entries[name] for name in names if name != entry.clip_id][:most]

    def media(self, name: str) -> str | None:
        """Look up who owns a media file.

        Parameters
        ----------
        name : str
            A name that a stranger sent.

        Returns
        -------
        str or None
            The clip; None unless the catalogue lists exactly this name.
        """
        return self._owner_of_file.get(name) if name else None

    def touch(self, clip_id: str, title: str | None = None) -> Entry:
        """Change a clip's title, as a creator would; its page gets another ETag and a later date.

        Parameters
        ----------
        clip_id : str
            Which clip.
        title : str, optional
            The new title; by default the old one with ``(edited)`` behind it.

        Returns
        -------
        Entry
            The clip as it is now.

        Raises
        ------
        KeyError
            If there is no such clip.
        ValueError
            If the title cannot be written in UTF-8.
        """
        if title is not None and any("\ud800" <= letter <= "\udfff" for letter in title):
            raise ValueError(f"the title {title!r} holds half a character (a lone surrogate), which no page can show")
        with self._lock:
            if clip_id not in self.entries:
                raise KeyError(f"no clip {clip_id!r} on this site; identifiers look like {self._order[0]!r}")
            old = self.entries[clip_id]
            # Dates on the web have whole seconds: two changes within one still differ.
            changed = replace(
                old,
                title=f"{old.title} (edited)" if title is None else title,
                modified=max(int(time.time()), old.modified + 1),
            )
            self.entries[clip_id] = changed
            return changed

    def latest(self, entries: Iterable[Entry]) -> int:
        """Return when the last of some clips changed.

        Parameters
        ----------
        entries : iterable of Entry
            The clips.

        Returns
        -------
        int
            Unix time, seconds; 0 for no clips.
        """
        return max((entry.modified for entry in entries), default=0)

    def history(self, user_id: str, most: int = 50) -> pd.DataFrame | None:
        """Return what a person did last.

        Parameters
        ----------
        user_id : str
            Who.
        most : int
            How many events at most.

        Returns
        -------
        DataFrame or None
            ``time, kind, clip_id``, oldest first; None if the log does not know the person.
        """
        if self._histories is None:
            groups = self._world.events.groupby("user_id").indices
            self._histories = {str(name): np.asarray(places) for name, places in groups.items()}
        if user_id not in self._histories:
            return None
        rows = self._world.events.iloc[self._histories[user_id]]
        return rows.sort_values("time")[["time", "kind", "clip_id"]].tail(most)


def as_utc(modified: int) -> datetime:
    """Return a Unix time as a date.

    Parameters
    ----------
    modified : int
        Seconds.

    Returns
    -------
    datetime
        In UTC.
    """
    return datetime.fromtimestamp(modified, UTC)
