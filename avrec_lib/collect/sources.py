"""One table from several sources: who says what, where they disagree, and whose word is taken."""

import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

__all__ = ["merge_sources", "normalised"]

_TOLERANCE = 1e-6


def normalised(values: pd.Series) -> pd.Series:
    """Bring texts into one spelling for comparison: Unicode NFKC, one space between words, no case.

    Parameters
    ----------
    values : Series
        Texts; absent ones stay absent.

    Returns
    -------
    Series
        object: text or None.

    Examples
    --------
    >>> normalised(pd.Series(["  Night   DRIVE", None])).tolist()
    ['night drive', None]
    """
    # Each spelling is brought into shape once, however many rows have it.
    codes, spellings = pd.factorize(values.astype(object))
    plain = [" ".join(unicodedata.normalize("NFKC", str(text)).casefold().split()) for text in spellings]
    return pd.Series(np.array([*plain, None], dtype=object)[codes], index=values.index, dtype=object)


def _same(first: pd.Series, second: pd.Series, tolerance: float) -> pd.Series:
    """Compare two columns where both are known; numbers and times within a tolerance, the rest by spelling."""
    if pd.api.types.is_bool_dtype(first) and pd.api.types.is_bool_dtype(second):
        return first == second
    if pd.api.types.is_numeric_dtype(first) and pd.api.types.is_numeric_dtype(second):
        one, two = first.to_numpy(dtype=np.float64), second.to_numpy(dtype=np.float64)
        return pd.Series(np.isclose(one, two, rtol=0.0, atol=tolerance), index=first.index)
    if pd.api.types.is_datetime64_any_dtype(first) and pd.api.types.is_datetime64_any_dtype(second):
        gap = (pd.to_datetime(first, utc=True) - pd.to_datetime(second, utc=True)).abs()
        return gap <= pd.Timedelta(seconds=tolerance)
    return normalised(first) == normalised(second)


def _checked(tables: Mapping[str, pd.DataFrame], key: str, prefer: Sequence[str]) -> list[str]:
    unknown = [name for name in prefer if name not in tables]
    if unknown:
        raise ValueError(f"prefer names {', '.join(unknown)}, but the sources are {', '.join(tables)}")
    if not tables:
        raise ValueError("there is no table to merge")
    for name, table in tables.items():
        if key not in table:
            raise ValueError(f"source {name!r} has no column {key!r}")
        if table[key].isna().any():
            raise ValueError(f"source {name!r} has a row without {key}: row {table.index[table[key].isna()][0]!r}")
        if table[key].duplicated().any():
            raise ValueError(f"source {name!r} has {key} {table.loc[table[key].duplicated(), key].iloc[0]!r} twice")
    return [*dict.fromkeys(prefer), *(name for name in tables if name not in prefer)]


def merge_sources(
    tables: Mapping[str, pd.DataFrame],
    key: str,
    *,
    prefer: Sequence[str] = (),
    tolerances: Mapping[str, float] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Join tables that describe the same things, and report every contradiction.

    A value is taken from the first source, in the order of preference, that has one. Texts are compared in one
    spelling (case, spaces, Unicode forms do not count), numbers and times within a tolerance.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By the name of the source; each row one thing.
    key : str
        The column that names the thing, in every table.
    prefer : sequence of str
        Sources, the most trusted first; those not named follow in the order of `tables`.
    tolerances : mapping of str to float, optional
        By column: in its unit, seconds for times; by default a millionth.

    Returns
    -------
    table : DataFrame
        One row a key that any source has, sorted by key; the columns of all sources in order of first appearance,
        and ``sources``: the names of those that know the key, joined by ``|``.
    conflicts : DataFrame
        ``key, column, source, value, kept, kept_from``: one row for each source that contradicts the value kept.

    Raises
    ------
    ValueError
        If a table lacks the key, has it twice or has a row without it, or `prefer` names no source.
    """
    order = _checked(tables, key, prefer)
    limits = dict(tolerances or {})
    keys = pd.Index(
        pd.concat([tables[name][key] for name in order], ignore_index=True).unique(), name=key
    ).sort_values()
    laid = {name: tables[name].set_index(key) for name in order}
    columns = list(dict.fromkeys(column for name in tables for column in tables[name].columns if column != key))
    merged: dict[str, pd.Series] = {}
    contradictions = []
    for column in columns:
        having = [name for name in order if column in laid[name]]
        kept = laid[having[0]][column].reindex(keys)
        kept_from = pd.Series(having[0], index=keys, dtype=object).where(kept.notna())
        for name in having[1:]:
            other = laid[name][column].reindex(keys)
            both = kept.notna() & other.notna()
            same = _same(kept[both], other[both], limits.get(column, _TOLERANCE)).to_numpy(dtype=bool)
            against = keys[both.to_numpy()][~same]
            contradictions.append(
                pd.DataFrame(
                    {
                        "key": against,
                        "column": column,
                        "source": name,
                        "value": other[against].to_numpy(dtype=object),
                        "kept": kept[against].to_numpy(dtype=object),
                        "kept_from": kept_from[against].to_numpy(),
                    }
                )
            )
            filled = kept.isna() & other.notna()
            kept_from[filled] = name
            kept = kept.where(~filled, other) if kept.notna().any() else other
        merged[column] = kept
    names = ["key", "column", "source", "value", "kept", "kept_from"]
    conflicts = pd.concat(contradictions, ignore_index=True) if contradictions else pd.DataFrame(columns=names)
    table = pd.DataFrame(merged, index=keys)
    known = np.stack([np.where(keys.isin(laid[name].index), f"{name}|", "") for name in tables], axis=1).astype(object)
    table["sources"] = pd.Series(known.sum(axis=1), index=keys, dtype="str").str.removesuffix("|")
    return table.reset_index(), conflicts[names]
