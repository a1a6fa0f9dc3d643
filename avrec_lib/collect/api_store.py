"""Where a download from the platform's interface is kept, so that one that was killed can go on."""

from pathlib import Path

import msgspec
import pandas as pd

from avrec_lib.collect.api_items import ApiClip, ApiPage
from avrec_lib.collect.kept import open_store
from avrec_lib.collect.markup import plain_text

__all__ = ["DATABASE", "ApiStore"]

DATABASE = "api.sqlite"
"""Name of the file in a download's folder."""
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS items (number INTEGER PRIMARY KEY, clip_id TEXT NOT NULL UNIQUE, json TEXT);"
    "CREATE TABLE IF NOT EXISTS bad (reason TEXT NOT NULL, json TEXT NOT NULL, UNIQUE (reason, json));"
    "CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), cursor TEXT, finished INTEGER);"
    "CREATE TABLE IF NOT EXISTS site (one INTEGER PRIMARY KEY CHECK (one = 1), address TEXT NOT NULL);"
)


class ApiStore:
    """Items and the cursor that follows them, committed together.

    Parameters
    ----------
    folder : Path
        Where they are kept; made if absent.
    address : str, optional
        Of the interface; a folder holds the items of one.

    Raises
    ------
    RuntimeError, OSError, ValueError
        As :func:`avrec_lib.collect.kept.explained`; ValueError also if the folder holds another interface's items.
    """

    def __init__(self, folder: Path, address: str | None = None) -> None:
        self._db = open_store(folder / DATABASE, _SCHEMA, "download")
        if address is not None:
            self._db.execute("INSERT OR IGNORE INTO site VALUES (1, ?)", (address,))
            (held,) = self._db.execute("SELECT address FROM site").fetchone()
            if held != address:
                self.close()
                raise ValueError(f"{folder} holds a download from {held}; give {address} another folder")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def place(self) -> tuple[str | None, bool]:
        """Return the cursor to go on from, and whether the end was reached."""
        row = self._db.execute("SELECT cursor, finished FROM place").fetchone()
        return (row[0], bool(row[1])) if row else (None, False)

    def restart(self) -> None:
        """Forget where we were; the items stay."""
        self._db.execute("DELETE FROM place")

    def add(self, page: ApiPage) -> None:
        """Keep a page's items and the cursor that follows them.

        Parameters
        ----------
        page : ApiPage
            The page.
        """
        rows = [(item.clip_id, msgspec.json.encode(item).decode()) for item in page.items]
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT INTO items (clip_id, json) VALUES (?, ?)"
                " ON CONFLICT (clip_id) DO UPDATE SET json = excluded.json",
                rows,
            )
            self._db.executemany("INSERT OR IGNORE INTO bad VALUES (?, ?)", page.bad)
            self._db.execute(
                "INSERT OR REPLACE INTO place VALUES (1, ?, ?)", (page.next_cursor, page.next_cursor is None)
            )

    def table(self) -> pd.DataFrame:
        """Return the items as :func:`avrec_lib.collect.api.download` does."""
        rows = self._db.execute("SELECT json FROM items ORDER BY number").fetchall()
        items = [msgspec.to_builtins(msgspec.json.decode(row[0], type=ApiClip)) for row in rows]
        table = pd.DataFrame(items, columns=list(ApiClip.__struct_fields__))
        table["title"] = [plain_text(title) for title in table["title"]]
        table["series"] = [plain_text(series) for series in table["series"]]
        table["creator_id"] = [plain_text(creator["id"]) for creator in table["creator"]]
        table["creator"] = [plain_text(creator["name"]) for creator in table["creator"]]
        table["uploaded"] = pd.to_datetime(table["uploaded"], utc=True, format="ISO8601", errors="coerce").dt.as_unit(
            "us"
        )
        text = ["clip_id", "title", "creator", "creator_id", "kind", "series"]
        whole = dict.fromkeys(("duration_ms", "views", "likes"), "int64")
        return table.astype({**dict.fromkeys(text, "str"), **whole, "episode": "Int64"})

    def bad(self) -> pd.DataFrame:
        """Return ``reason, json`` of the items that were not as agreed."""
        return pd.DataFrame(self._db.execute("SELECT reason, json FROM bad").fetchall(), columns=["reason", "json"])
