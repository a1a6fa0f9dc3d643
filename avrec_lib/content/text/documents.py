"""From the table of clips to one plain text a clip."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["document", "plain"]

# What is opened and never closed runs to the end; looking for its end at each opening would take quadratic time.
_HIDDEN = re.compile(r"<(script|style)\b[^<>]*>.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_SPACE = re.compile(r"\s+")
_FIELDS = ("title", "description", "tags", "transcript")


def plain(text: str) -> str:
    """Return what a reader of a page would see: no tags, no scripts, entities as characters.

    Parameters
    ----------
    text : str
        Text that may hold HTML.

    Returns
    -------
    str
        The words, with single spaces.

    Examples
    --------
    >>> plain("<b>Rain &amp; ash</b><script>x()</script>, 3 < 4")
    'Rain & ash , 3 < 4'
    """
    return _SPACE.sub(" ", html.unescape(_TAG.sub(" ", _HIDDEN.sub(" ", text)))).strip()


def document(clips: pd.DataFrame, *, fields: Sequence[str] = _FIELDS) -> pd.Series:
    """Join what is written about each clip.

    Parameters
    ----------
    clips : DataFrame
        The ``clips`` schema; read are ``clip_id`` and the fields.
    fields : sequence of str
        Columns to join, in this order; a missing value adds nothing, and a column named twice counts twice.

    Returns
    -------
    Series (n,) of str
        Plain text, indexed by ``clip_id``; empty where nothing is written.
    """
    import pandas as pd

    columns = [clips[field].fillna("").astype(str).str.replace("|", ", ", regex=False) for field in fields]
    joined = pd.concat(columns, axis=1).agg(". ".join, axis=1) if columns else pd.Series("", index=clips.index)
    texts = joined.map(plain).map(lambda text: text if re.search(r"\w", text) else "")
    return pd.Series(texts.to_numpy(), index=pd.Index(clips["clip_id"]), name="text", dtype="str")
