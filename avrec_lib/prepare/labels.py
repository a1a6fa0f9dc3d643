"""Tags that people wrote: one spelling for one label, and tags that belong to another clip."""

import re
import unicodedata
from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.preprocessing import MultiLabelBinarizer, normalize

__all__ = ["canonical_tags", "rank_wrong_tags"]

_PENALTY = 3.0  # of the regression from words to tags


def _plain(tag: str) -> str:
    """Take away what is spelling and not meaning: case, width, hash signs, spaces, hyphens."""
    return re.sub(r"[\s#_\-]+", "", unicodedata.normalize("NFKC", tag).casefold())


def _resolve(aliases: Mapping[str, str]) -> dict[str, str]:
    """Follow aliases of aliases to their end, in plain spelling."""
    steps: dict[str, str] = {}
    for name, meant in aliases.items():
        source, target = _plain(name), _plain(meant)
        if steps.setdefault(source, target) != target:
            raise ValueError(f"alias {name!r} stands for both {steps[source]!r} and {target!r}; keep one of them")
    steps = {source: target for source, target in steps.items() if source != target}
    ends: dict[str, str] = {}
    for name in steps:
        end, path = name, [name]
        while end in steps:
            end = steps[end]
            if end in path:
                raise ValueError(f"aliases lead in a circle: {' -> '.join([*path, end])}")
            path.append(end)
        ends[name] = end
    return ends


def canonical_tags(tags: pd.Series, aliases: Mapping[str, str] | None = None) -> tuple[pd.Series, pd.DataFrame]:
    """Give every label one spelling.

    Case, full-width letters, hash signs, spaces, hyphens and underscores do not tell labels apart. What means the
    same in other words, only a table of aliases can say.

    Parameters
    ----------
    tags : Series of str (n,)
        Words separated by ``|``, as in the ``clips`` schema; absent values stay absent.
    aliases : mapping, optional
        What a tag stands for, such as ``{"hiphop": "rap"}``; may lead through several steps.

    Returns
    -------
    tags : Series of str (n,)
        In canonical spelling, each label once a clip, in the order of first appearance.
    conflicts : DataFrame
        ``label, spellings, clips``: labels that were written in several ways, with the ways (separated by ``|``, the
        most frequent first) and the number of uses; the most frequent label first.

    Raises
    ------
    ValueError
        If an alias has two meanings, or aliases lead in a circle.

    Examples
    --------
    >>> canonical_tags(pd.Series(["Hip-Hop|rap", "hiphop"]), {"rap": "hip hop"})[0].tolist()
    ['hiphop', 'hiphop']
    """
    ends = _resolve(aliases or {})
    split = tags.dropna().astype(str).str.split("|", regex=False)
    row = np.repeat(np.arange(len(split)), [len(found) for found in split])
    long = pd.DataFrame({"row": row, "tag": split.explode().str.strip().to_numpy(dtype=object)})
    long = long[long["tag"] != ""]
    plain = {tag: _plain(tag) for tag in long["tag"].unique()}
    long["label"] = long["tag"].map({tag: ends.get(name, name) for tag, name in plain.items()}).astype("str")
    uses = long.groupby(["label", "tag"]).size().rename("clips").reset_index()
    uses = uses.sort_values(["clips", "tag"], ascending=[False, True])
    found = uses.groupby("label").agg(spellings=("tag", list), clips=("clips", "sum")).reset_index()
    several = found[found["spellings"].str.len() > 1].sort_values(["clips", "label"], ascending=[False, True])
    conflicts = several.assign(spellings=several["spellings"].str.join("|").astype("str")).reset_index(drop=True)
    once = long[(long["label"] != "") & ~long.duplicated(["row", "label"])]
    joined = once.groupby("row")["label"].agg("|".join).reindex(np.arange(len(split)), fill_value="")
    result = pd.Series(None, index=tags.index, dtype="str", name=tags.name)
    result[tags.notna()] = joined.to_numpy(dtype=object)
    return result, conflicts[["label", "spellings", "clips"]]


def rank_wrong_tags(clips: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Rank clips by how badly their tags fit their words, the worst first.

    A ridge regression learns from nine tenths of the clips which tags go with which words of title, description and
    transcript, and says what tags it expects of the rest. The agreement is the cosine of expected and given tags. This
    is a list for somebody to look at from the top, not a verdict: a joke in a title looks like a wrong tag.

    Parameters
    ----------
    clips : DataFrame
        The ``clips`` schema; absent texts count as empty.
    seed : int
        Seed of the ten parts in which the clips are judged.

    Returns
    -------
    DataFrame
        ``clip_id, agreement`` (in [-1, 1]); only clips that have a tag which another clip has too.
    """
    words = clips[["title", "description", "transcript"]].fillna("").astype(str).agg(" ".join, axis=1)
    known = clips["tags"].fillna("").astype(str).str.split("|", regex=False)
    given = MultiLabelBinarizer(sparse_output=True).fit_transform(known).tocsc().astype(np.float64)
    given = given[:, np.asarray(given.sum(axis=0)).ravel() >= 2].toarray()
    has = given.any(axis=1)
    features = TfidfVectorizer(min_df=2, sublinear_tf=True).fit_transform(words[has])
    target = normalize(given[has])
    parts = KFold(10, shuffle=True, random_state=seed)
    expected = normalize(cross_val_predict(Ridge(_PENALTY), features, target, cv=parts))
    table = pd.DataFrame({"clip_id": clips["clip_id"].to_numpy()[has], "agreement": (expected * target).sum(axis=1)})
    return table.sort_values(["agreement", "clip_id"], ignore_index=True)
