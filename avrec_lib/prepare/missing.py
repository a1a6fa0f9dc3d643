"""Absent values: one rule a column, learned from the training rows.

Dropping each row that lacks anything is a rule too, and seldom the best: with ten columns
that each lack a tenth, it keeps a third of the rows.
"""

from typing import Self

import numpy as np
import pandas as pd

from avrec_lib.prepare.report import Report, account, joined_accounts

__all__ = ["MissingPolicy", "people_lost"]

_RULES = ("drop", "impute", "flag")


class MissingPolicy:
    """What to do where a value is absent, column by column.

    ``"drop"`` removes the row. ``"impute"`` puts in the median of the training rows, or the most frequent value where
    the column is not numeric. ``"flag"`` adds a column ``<name>_missing`` and then fills in the same way, except that
    text becomes empty: a model can then learn from the absence itself. A column that is not named is left alone.

    Parameters
    ----------
    rules : dict
        ``"drop"``, ``"impute"`` or ``"flag"`` by name of column.
    unit : str
        What a row of the table is, for the report.

    Attributes
    ----------
    fills_ : dict
        What is put in, by column; known after :meth:`fit`.

    Examples
    --------
    >>> train = pd.DataFrame({"plays": [1.0, 2.0, 30.0], "text": ["a", None, "b"]})
    >>> policy = MissingPolicy({"plays": "impute", "text": "flag"}).fit(train)
    >>> table, report = policy.transform(pd.DataFrame({"plays": [None, 4.0], "text": ["c", None]}))
    >>> table["plays"].tolist(), table["text_missing"].tolist()
    ([2.0, 4.0], [False, True])
    """

    def __init__(self, rules: dict[str, str], *, unit: str = "rows") -> None:
        self.rules = rules
        self.unit = unit

    def fit(self, train: pd.DataFrame) -> Self:
        """Learn what to put in.

        Parameters
        ----------
        train : DataFrame
            The training rows, and no others.

        Returns
        -------
        MissingPolicy
            Itself.

        Raises
        ------
        ValueError
            If a rule or a column is unknown, or a column to be imputed holds no value at all.
        """
        for name, rule in self.rules.items():
            if rule not in _RULES:
                raise ValueError(f"column {name!r}: the rule is one of {', '.join(_RULES)}, not {rule!r}")
            if name not in train:
                raise ValueError(
                    f"column {name!r} is not in the training rows, which have {', '.join(map(str, train))}"
                )
        self.fills_: dict[str, object] = {}
        for name in (name for name, rule in self.rules.items() if rule != "drop"):
            values = train[name].dropna()
            text = pd.api.types.is_string_dtype(train[name].dtype) or train[name].dtype == object
            if self.rules[name] == "flag" and text:
                self.fills_[name] = ""
            elif values.empty:
                raise ValueError(f"column {name!r} has no value in the {len(train)} training rows to impute from")
            elif pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
                self.fills_[name] = float(values.median())
            else:
                # The most frequent value; of several, the smallest, so that the order of rows decides nothing.
                self.fills_[name] = values.mode().iloc[0]
        return self

    def transform(self, table: pd.DataFrame) -> tuple[pd.DataFrame, Report]:
        """Apply the rules to any rows.

        Parameters
        ----------
        table : DataFrame
            Has the columns that the rules name.

        Returns
        -------
        table : DataFrame
            A new table; labels kept. Whole numbers become floats where a median was put in.
        report : Report
            Rows dropped, and values filled in: ids are row labels.

        Raises
        ------
        RuntimeError
            If the policy was not fitted.
        ValueError
            If a column is not there.
        """
        if not hasattr(self, "fills_"):
            raise RuntimeError("fit the policy on training rows before transforming with it")
        for name in self.rules:
            if name not in table:
                raise ValueError(f"column {name!r} is not in the table, which has {', '.join(map(str, table))}")
        drops = [name for name, rule in self.rules.items() if rule == "drop"]
        absent = table[drops].isna().to_numpy() if drops else np.zeros((len(table), 0), dtype=bool)
        gone = np.asarray(absent.any(axis=1))
        reasons = np.array([f"{name} absent, row dropped" for name in drops], dtype=object)
        removed = account(table.index.to_numpy()[gone], reasons[absent[gone].argmax(axis=1)] if gone.any() else "")
        kept = table.loc[~gone].copy()
        changes = []
        for name, fill in self.fills_.items():
            empty = kept[name].isna().to_numpy()
            if self.rules[name] == "flag":
                kept[f"{name}_missing"] = empty
            if isinstance(fill, float) and not pd.api.types.is_float_dtype(kept[name].dtype):
                kept[name] = kept[name].astype("float64")
            kept[name] = kept[name].where(~empty, fill)
            done = "flagged" if self.rules[name] == "flag" else "imputed"
            changes.append(account(kept.index.to_numpy()[empty], f"{name} absent, {done}"))
        changed = joined_accounts(changes)
        return kept, Report("missing", len(table), len(kept), removed, changed, unit=self.unit, named="values")

    def fit_transform(self, train: pd.DataFrame) -> tuple[pd.DataFrame, Report]:
        """Fit on training rows and apply the rules to them.

        Parameters
        ----------
        train : DataFrame
            The training rows.

        Returns
        -------
        table : DataFrame
            As from :meth:`transform`.
        report : Report
            As from :meth:`transform`.
        """
        return self.fit(train).transform(train)


def people_lost(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """Name who vanished altogether: rows are cheap, people are not.

    Parameters
    ----------
    before, after : DataFrame
        A table with ``user_id`` before and after a step.

    Returns
    -------
    list of str
        In their first order of appearance.
    """
    names = before["user_id"].drop_duplicates()
    return [str(name) for name in names[~names.isin(after["user_id"])].dropna()]
