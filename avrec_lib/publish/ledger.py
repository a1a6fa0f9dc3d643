"""The claims that chapters make: computed in a cell, shown in prose, kept by the build.

A number reaches a sentence in one way: a cell calls :func:`claim` or
:func:`claim_better`, and the sentence pastes the claim by its name. The build
collects all claims of a run and holds them against the recorded ones.
"""

import json
import math
import numbers
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from myst_nb import glue

from avrec_lib.evaluate.uncertainty import Interval, paired_bootstrap

__all__ = ["CLAIMS_FILE", "Claim", "claim", "claim_better", "state"]

CLAIMS_FILE = "AVREC_CLAIMS"
"""Environment variable that names the file to which a build's claims are appended."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Claim:
    """One result.

    Attributes
    ----------
    name : str
        Unique in the book, lower case with hyphens.
    value : float, int or str
        The result; a share is a fraction, whatever its unit.
    unit : str
        Shown behind the number; ``"%"`` shows a fraction as a percentage, and the difference of two fractions in
        percentage points.
    digits : int
        Decimals shown.
    low, high : float or None
        Ends of the 95 % interval, where there is one.
    kind : str
        ``"value"`` or ``"comparison"``.
    units : int or None
        Of a comparison: the number of pairs.
    paired_by : str
        Of a comparison: what is paired.
    timing : bool
        Whether the value depends on the machine; such a value is shown and never compared.
    tolerance : float
        Relative difference from the recorded value that is still the same result.
    """

    name: str
    value: float | int | str
    unit: str = ""
    digits: int = 3
    low: float | None = None
    high: float | None = None
    kind: str = "value"
    units: int | None = None
    paired_by: str = ""
    timing: bool = False
    tolerance: float = 0.01

    @property
    def verdict(self) -> str:
        """Return what a comparison showed: ``better``, ``worse`` or ``no difference shown``."""
        if self.kind != "comparison" or self.low is None or self.high is None:
            return ""
        return Interval(float(self.value), self.low, self.high).verdict

    @property
    def shown_unit(self) -> str:
        """Return what stands behind the number: a difference of percentages is no percentage, but points."""
        return "percentage points" if self.kind == "comparison" and self.unit == "%" else self.unit

    def _number(self, number: float) -> str:
        scaled = 100.0 * number if self.unit == "%" else number
        return f"{scaled:,.{self.digits}f}".replace("-", "\N{MINUS SIGN}")

    @property
    def text(self) -> str:
        """Return the claim as a sentence shows it."""
        if isinstance(self.value, str):
            return self.value
        unit = f" {self.shown_unit}" if self.unit else ""
        interval = ""
        if self.low is not None and self.high is not None:
            interval = f" [{self._number(self.low)}, {self._number(self.high)}]"
        verdict = self.verdict
        if verdict == "no difference shown":
            return f"no difference shown ({self._number(float(self.value))}{unit}{interval})"
        if verdict:
            return f"{verdict} by {self._number(abs(float(self.value)))}{unit}{self._flipped()}"
        return f"{self._number(float(self.value))}{unit}{interval}"

    def _flipped(self) -> str:
        """Return the interval with the sign that goes with *better by* or *worse by*."""
        assert self.low is not None and self.high is not None
        low, high = (self.low, self.high) if self.low > 0.0 else (-self.high, -self.low)
        return f" [{self._number(low)}, {self._number(high)}]"

    def __repr__(self) -> str:
        return f"{self.name}: {self.text}"


def claim(
    name: str,
    value: float | int | str,
    *,
    unit: str = "",
    digits: int | None = None,
    low: float | None = None,
    high: float | None = None,
    timing: bool = False,
    tolerance: float = 0.01,
) -> Claim:
    """State a result, so that prose can paste it and the build can check it.

    Parameters
    ----------
    name : str
        Unique in the book, lower case with hyphens; prose pastes it by this name.
    value : float, int or str
        The result. A share is a fraction: with ``unit="%"``, 0.25 shows as 25.0 %.
    unit : str
        Shown behind the number.
    digits : int, optional
        Decimals shown; by default 0 for an integer, 1 for a percentage and 3 otherwise.
    low, high : float, optional
        Ends of the 95 % interval, both or neither.
    timing : bool
        Whether the value depends on the machine.
    tolerance : float
        Relative difference that still counts as the same result.

    Returns
    -------
    Claim
        The claim, which also shows itself at the end of a cell.

    Raises
    ------
    ValueError
        If the name is not of that form, the value is not finite, or the interval
        is half given or does not hold the value.
    """
    if isinstance(value, bool):
        raise ValueError(f"claim {name!r}: {value} is neither a number nor text")
    if not isinstance(value, str):
        value = int(value) if isinstance(value, numbers.Integral) else float(value)
    if digits is None:
        digits = 0 if isinstance(value, int) else 1 if unit == "%" else 3
    return state(Claim(name, value, unit=unit, digits=digits, low=low, high=high, timing=timing, tolerance=tolerance))


def claim_better(
    name: str,
    a: pd.Series,
    b: pd.Series,
    *,
    paired_by: str = "user",
    unit: str = "",
    digits: int | None = None,
    seed: int = 0,
    tolerance: float = 0.05,
) -> Claim:
    """State whether ``a`` is better than ``b``, by a paired bootstrap of the mean difference.

    Parameters
    ----------
    name : str
        As for :func:`claim`.
    a, b : Series
        One value a unit, larger is better; both indexed by the same units.
    paired_by : str
        What a unit is, for the ledger.
    unit, digits : str, int
        As for :func:`claim`; with ``unit="%"`` the difference of two shares reads in percentage points.
    seed : int
        Seed of the resampling.
    tolerance : float
        Relative difference that still counts as the same result; the verdict must be the same in any case.

    Returns
    -------
    Claim
        It reads *better by*, *worse by*, or *no difference shown* when the 95 % interval holds zero.

    Raises
    ------
    ValueError
        If the two are not paired, are empty, or hold values that are not finite.
    """
    interval = paired_bootstrap(a, b, seed=seed)
    if digits is None:
        digits = 1 if unit == "%" else 3
    return state(
        Claim(
            name,
            float(interval.value),
            unit=unit,
            digits=digits,
            low=float(interval.low),
            high=float(interval.high),
            kind="comparison",
            units=len(a),
            paired_by=paired_by,
            tolerance=tolerance,
        )
    )


def state(stated: Claim) -> Claim:
    """Check a claim, hand it to the page and, in a build, to the ledger.

    Parameters
    ----------
    stated : Claim
        The claim.

    Returns
    -------
    Claim
        The same.

    Raises
    ------
    ValueError
        If its name is not of the form, its value is not finite or not printable, or its interval does not hold it.
    """
    if not _NAME.fullmatch(stated.name):
        raise ValueError(
            f"claim {stated.name!r}: a name is lower case words, digits and hyphens, as in 'ndcg-popularity'"
        )
    if isinstance(stated.value, str) and not stated.value.isprintable():
        raise ValueError(f"claim {stated.name!r}: its text holds line breaks or control characters")
    if (stated.low is None) != (stated.high is None):
        raise ValueError(f"claim {stated.name!r}: give both ends of the interval or neither")
    given = [x for x in (stated.value, stated.low, stated.high) if isinstance(x, (int, float))]
    if not all(math.isfinite(x) for x in given):
        raise ValueError(f"claim {stated.name!r}: {given} holds a value that is not finite")
    if stated.low is not None and stated.high is not None and not isinstance(stated.value, str):
        if not stated.low <= stated.value <= stated.high:
            raise ValueError(
                f"claim {stated.name!r}: {stated.value} is outside its interval [{stated.low}, {stated.high}]"
            )
    glue(stated.name, stated.text, display=False)
    if path := os.environ.get(CLAIMS_FILE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(stated)) + "\n")
    return stated
