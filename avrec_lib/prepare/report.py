"""What a step of preparation removed and changed: nothing leaves a table without a reason.

Every cleaning function returns its table and a :class:`Report`. An ``id`` is what a
reader needs to find the thing again: the index label of a row of events, a
``clip_id``, a ``user_id``, or the name of a column.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

__all__ = ["Report", "account", "joined_accounts", "summary"]

_COLUMNS = ["id", "reason"]
_LINE = ["step", "unit", "before", "after", "gone", "named", "removed", "changed", "reasons"]


def account(ids: Iterable[object] = (), reason: str | Sequence[str] | np.ndarray | pd.Series = "") -> pd.DataFrame:
    """Write down which things were touched, and why.

    Parameters
    ----------
    ids : iterable
        Index labels, clip or user ids, column names; kept as text.
    reason : str or sequence of str
        One reason for all, or one for each id.

    Returns
    -------
    DataFrame
        ``id``, ``reason``, both text; empty without ids.

    Raises
    ------
    ValueError
        If there are not as many reasons as ids.

    Examples
    --------
    >>> account([4, 9], "watch below zero")
      id            reason
    0  4  watch below zero
    1  9  watch below zero
    """
    names = pd.Series(list(ids), dtype=object).astype(str)
    if not isinstance(reason, str) and len(reason) != len(names):
        raise ValueError(f"{len(names)} ids need as many reasons (or one text for all), got {len(reason)}")
    reasons = reason if isinstance(reason, str) else np.asarray(reason, dtype=object)
    return pd.DataFrame({"id": names, "reason": reasons}, columns=_COLUMNS).astype("str")


def joined_accounts(accounts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put several accounts below each other, numbered from 0.

    Parameters
    ----------
    accounts : iterable of DataFrame
        As :func:`account` returns them.

    Returns
    -------
    DataFrame
        ``id``, ``reason``; empty where there was none.
    """
    tables = list(accounts)
    return pd.concat(tables, ignore_index=True)[_COLUMNS] if tables else account()


@dataclass(frozen=True)
class Report:
    """What one step did.

    Attributes
    ----------
    step : str
        Its name, such as ``"robots"``.
    before, after : int
        Rows of the table that went in and came out.
    removed : DataFrame
        ``id``, ``reason``; one row a removed row, clip or person.
    changed : DataFrame
        The same columns, for what was repaired and kept.
    unit : str
        What a row of the table is: ``"rows"`` of a log, ``"clips"``.
    named : str
        What a row of `removed` and of `changed` names. It is not always the unit: one account of a machine takes
        hundreds of rows with it.
    """

    step: str
    before: int
    after: int
    removed: pd.DataFrame = field(default_factory=account)
    changed: pd.DataFrame = field(default_factory=account)
    unit: str = "rows"
    named: str = "rows"

    def __post_init__(self) -> None:
        for name in ("removed", "changed"):
            absent = [column for column in _COLUMNS if column not in getattr(self, name)]
            if absent:
                raise ValueError(f"{name} of step {self.step!r} lacks column {', '.join(absent)}; make it by account()")
        if self.before < 0 or self.after < 0:
            raise ValueError(f"step {self.step!r} cannot have {self.before} rows before and {self.after} after")

    @property
    def gone(self) -> int:
        """Rows of the table that did not come out."""
        return self.before - self.after

    def counts(self) -> pd.Series:
        """Count what was removed and changed, by reason.

        Returns
        -------
        Series
            int64, the most frequent reason first; reasons of changes follow those of removals.
        """
        parts = [getattr(self, name)["reason"].value_counts() for name in ("removed", "changed")]
        counts = pd.concat(parts).astype("int64").rename(self.step)
        counts.index.name = "reason"
        return counts


def summary(reports: Iterable[Report]) -> pd.DataFrame:
    """Tell a chain of steps in one table.

    Parameters
    ----------
    reports : iterable of Report
        In the order in which the steps ran.

    Returns
    -------
    DataFrame
        ``step, unit, before, after, gone, named, removed, changed, reasons``, one line a step. `before`, `after` and
        `gone` count what `unit` says, `removed` and `changed` what `named` says: where a step removes people, 8
        users may take 2,000 rows with them. So add up `removed` only within one `named`.
    """
    lines = [
        {
            "step": report.step,
            "unit": report.unit,
            "before": report.before,
            "after": report.after,
            "gone": report.gone,
            "named": report.named,
            "removed": len(report.removed),
            "changed": len(report.changed),
            "reasons": "; ".join(f"{reason}: {count}" for reason, count in report.counts().items()),
        }
        for report in reports
    ]
    return pd.DataFrame(lines, columns=_LINE)
