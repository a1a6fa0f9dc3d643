"""From the files of real data sets to tables and arrays; the contents were checked before they come here."""

import io
from collections.abc import Mapping

import numpy as np
import pandas as pd

from avrec_lib.tables import check

__all__ = ["esc10_tables", "lastfm_tables", "movielens_tables", "recordings_table"]

LASTFM_MATRICES: dict[str, str] = {"whisper": "whisper.npy", "vggish": "vggish.npy", "minilm": "all-MiniLM-L6-v2.npy"}
LASTFM_PARTS: tuple[str, ...] = ("train", "validation", "test")


def _ratings(content: bytes) -> pd.DataFrame:
    table = pd.read_csv(
        io.BytesIO(content), sep="\t", header=None, names=["user_id", "item_id", "value", "time"], dtype="int64"
    )
    table["value"] = table["value"].astype("float64")
    table["time"] = pd.to_datetime(table["time"], unit="s", utc=True).astype("datetime64[us, UTC]")
    return check(table, "interactions")


def movielens_tables(contents: Mapping[str, bytes]) -> dict[str, pd.DataFrame]:
    """Read MovieLens 100K.

    Parameters
    ----------
    contents : mapping of str to bytes
        Of ``u.data``, ``u.item``, ``u.user``, ``u.genre``, ``u1.base`` and ``u1.test``.

    Returns
    -------
    dict of str to DataFrame
        ``interactions`` (100,000 ratings 1-5 as `value`, in the order of ``u.data``, the ``interactions`` schema),
        ``items`` (1,682: item_id, title, release_date, genres joined by ``|``, and a bool column a genre),
        ``users`` (943: user_id, age in years, gender, occupation, zip_code) and the official first fold as
        ``fold1_train`` and ``fold1_test``.
    """
    genres = pd.read_csv(io.BytesIO(contents["u.genre"]), sep="|", header=None, names=["genre", "number"])
    names = genres.dropna().sort_values("number")["genre"].astype(str).tolist()
    # Titles are Latin-1, as the file's README does not say.
    items = pd.read_csv(
        io.BytesIO(contents["u.item"]),
        sep="|",
        header=None,
        encoding="latin-1",
        names=["item_id", "title", "release_date", "video_release", "address", *names],
        dtype={"item_id": "int64", "title": "str", "release_date": "str", "video_release": "str", "address": "str"},
    ).drop(columns="video_release")
    items["release_date"] = pd.to_datetime(items["release_date"], format="%d-%b-%Y")
    items[names] = items[names].astype(bool)
    joined = np.where(items[names].to_numpy(), np.array([f"{name}|" for name in names], dtype=object), "").sum(axis=1)
    items.insert(3, "genres", pd.Series(joined, dtype="str").str.removesuffix("|"))
    users = pd.read_csv(
        io.BytesIO(contents["u.user"]),
        sep="|",
        header=None,
        names=["user_id", "age", "gender", "occupation", "zip_code"],
        dtype={"user_id": "int64", "age": "int64", "gender": "str", "occupation": "str", "zip_code": "str"},
    )
    return {
        "interactions": _ratings(contents["u.data"]),
        "items": items,
        "users": users,
        "fold1_train": _ratings(contents["u1.base"]),
        "fold1_test": _ratings(contents["u1.test"]),
    }


def lastfm_tables(contents: Mapping[str, bytes]) -> tuple[dict[str, pd.DataFrame], dict[str, np.ndarray]]:
    """Read Last.fm-2K with its embeddings.

    Parameters
    ----------
    contents : mapping of str to bytes
        Of ``lfm2k.inter`` and the three ``.npy`` files.

    Returns
    -------
    tables : dict of str to DataFrame
        ``interactions``: user_id, item_id, value (1.0: listened), part (``train``, ``validation``, ``test``). The
        publishers give no times, and none are made up here.
    arrays : dict of str to ndarray
        ``whisper`` (1425, 512), ``vggish`` (1425, 128) and ``minilm`` (1425, 384), float32; row = item_id.

    Raises
    ------
    ValueError
        If a matrix has no row for an item.
    """
    raw = pd.read_csv(io.BytesIO(contents["lfm2k.inter"]), sep="\t", dtype="int64")
    table = pd.DataFrame(
        {
            "user_id": raw["userID"],
            "item_id": raw["itemID"],
            "value": raw["rating"].astype("float64"),
            "part": pd.Series(np.asarray(LASTFM_PARTS, dtype=object)[raw["x_label"].to_numpy()], dtype="str"),
        }
    )
    arrays = {
        name: np.load(io.BytesIO(contents[file]), allow_pickle=False).astype(np.float32, copy=False)
        for name, file in LASTFM_MATRICES.items()
    }
    for name, matrix in arrays.items():
        if len(matrix) <= table["item_id"].max():
            raise ValueError(
                f"{LASTFM_MATRICES[name]} has {len(matrix)} rows, but item {table['item_id'].max()} is met"
            )
    return {"interactions": table}, arrays


def esc10_tables(names: list[str]) -> dict[str, pd.DataFrame]:
    """Read what the names of ESC-10's files say.

    Parameters
    ----------
    names : list of str
        ``"001 - Dog bark/1-100032-A.ogg"``: number and name of the class, fold, recording on Freesound, take.

    Returns
    -------
    dict of str to DataFrame
        ``clips``: clip_id (the file's name), file, label (0-9), category, fold (1-5), source, take. Takes of one
        recording lie in one fold, so that a split by fold leaks none.
    """
    table = pd.DataFrame({"file": sorted(name for name in names if name.endswith(".ogg"))}, dtype="str")
    parts = table["file"].str.extract(
        r"^(?P<number>\d+) - (?P<category>.+)/(?P<clip_id>(?P<fold>\d)-(?P<source>\d+)-(?P<take>[A-Z]))\.ogg$"
    )
    if parts.isna().any(axis=None):
        raise ValueError(f"{table['file'][parts.isna().any(axis=1)].iloc[0]!r} is not named as a file of ESC-10")
    table["clip_id"] = parts["clip_id"]
    table["label"] = parts["number"].astype("int64") - 1
    table["category"] = parts["category"]
    table["fold"] = parts["fold"].astype("int64")
    table["source"], table["take"] = parts["source"], parts["take"]
    return {"clips": table[["clip_id", "file", "label", "category", "fold", "source", "take"]]}


def recordings_table(contents: Mapping[str, bytes]) -> dict[str, pd.DataFrame]:
    """List recordings or videos, each with the words that stand in the text file beside it.

    Parameters
    ----------
    contents : mapping of str to bytes
        All files of the data set.

    Returns
    -------
    dict of str to DataFrame
        ``clips``: clip_id (the name without its ending), file, about (source and licence; absent where no text
        file lies beside), size (bytes).
    """
    media = [name for name in sorted(contents) if not name.endswith(".txt")]
    notes = [contents.get(f"{name.rpartition('.')[0]}.txt") for name in media]
    table = pd.DataFrame(
        {
            "clip_id": [name.rpartition(".")[0] for name in media],
            "file": media,
            "about": [note.decode("utf-8", "replace").strip() if note is not None else None for note in notes],
            "size": [len(contents[name]) for name in media],
        }
    )
    return {"clips": table.astype({"clip_id": "str", "file": "str", "about": "str"})}
