"""Check a reader's answer: encourage, or hint, and never give the answer away."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["check_answer"]

Hints = Mapping[Any, str] | Iterable[tuple[Any, str]]


def check_answer(
    name: str,
    given: Any,
    right: Any,
    *,
    hints: Hints = (),
    tolerance: float = 1e-6,
    cases: Sequence[tuple[Any, ...]] = (),
) -> bool:
    """Say whether an answer is right; where it is not, give a hint that does not hold the answer.

    Parameters
    ----------
    name : str
        The exercise, as the page calls it.
    given : object
        The reader's answer: a number, text, an array, a table or a function.
        ``...`` means that there is none yet. Where the right answer is a set, any collection of the same things
        will do: a list is as good.
    right : object
        The right answer, of the same kind. Where ``given`` is not a function,
        ``right`` may be one that takes the answer and returns whether it is right.
    hints : mapping or iterable of pairs
        Common wrong answers with a hint for each. A wrong answer is a value, or a
        function that takes the given answer and recognises the mistake.
    tolerance : float
        Largest relative difference between numbers, and largest absolute one where the right number is zero.
    cases : sequence of tuple
        For functions: the arguments of each call that is compared. Needed there.

    Returns
    -------
    bool
        Whether the answer is right. A line that says so, or the hint, is printed.

    Raises
    ------
    ValueError
        If an exercise with a function as its answer names no cases.
    """
    if callable(given) and cases and not isinstance(given, type) and _call(given, cases[0]) is Ellipsis:
        given = ...
    if given is Ellipsis or given is None:
        print(f"{name}: no answer yet. Put yours in place of the dots and run the cell again.")
        return False
    if _is_right(given, right, tolerance, cases):
        print(f"{name}: right. Well done.")
        return True
    hint = _known_mistake(given, hints, tolerance, cases) or _general_hint(given, right, tolerance, cases)
    print(f"{name}: not yet. {hint}")
    return False


def _is_right(given: Any, right: Any, tolerance: float, cases: Sequence[tuple[Any, ...]]) -> bool:
    if callable(given) and callable(right):
        if not cases:
            raise ValueError("an exercise whose answer is a function needs cases=[(arguments, ...), ...] to compare on")
        return all(_same(_call(given, case), right(*case), tolerance) for case in cases)
    if callable(given):
        return False
    if callable(right):
        return not cases and _says_yes(right, given)
    return _same(given, right, tolerance)


class _Broken:
    """What stands for the result of a call that raised."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _call(function: Callable[..., Any], case: tuple[Any, ...]) -> Any:
    try:
        return function(*case)
    except Exception as error:  # the reader's own function: whatever it raises is part of the answer
        return _Broken(error)


def _says_yes(judge: Callable[..., Any], given: Any) -> bool:
    """Ask a function about an answer; one that it cannot take, such as text instead of a number, is not meant."""
    said = _call(judge, (given,))
    return not isinstance(said, _Broken) and bool(said)


def _collected(value: Any) -> set[Any] | None:
    """Return the members of a collection, whatever its kind, or None if it is none."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, (set, frozenset, list, tuple, pd.Series, pd.Index)):
        return None
    try:
        return set(value)
    except TypeError:  # members that no set can hold
        return None


def _same(given: Any, right: Any, tolerance: float) -> bool:
    """Compare two values of whatever kind, numbers within the tolerance."""
    if isinstance(given, _Broken):
        return False
    if isinstance(right, pd.DataFrame):
        return (
            isinstance(given, pd.DataFrame)
            and list(given.columns) == list(right.columns)
            and len(given) == len(right)
            and all(_same(given[column].to_numpy(), right[column].to_numpy(), tolerance) for column in right.columns)
        )
    if isinstance(right, (str, bytes, bool, np.bool_)) or right is None:
        return bool(isinstance(given, type(right)) and given == right) or (
            isinstance(right, (bool, np.bool_)) and isinstance(given, (bool, np.bool_)) and bool(given) == bool(right)
        )
    if isinstance(right, (set, frozenset)):
        return _collected(given) == set(right)
    if isinstance(right, Mapping):
        return (
            isinstance(given, Mapping)
            and set(given) == set(right)
            and all(_same(given[key], value, tolerance) for key, value in right.items())
        )
    left, wanted = _array(given), _array(right)
    if left is None or wanted is None or left.shape != wanted.shape:
        return False
    if _numeric(left) and _numeric(wanted):
        return bool(np.allclose(left, wanted, rtol=tolerance, atol=tolerance * _scale(wanted), equal_nan=True))
    return bool(np.all(left == wanted))


def _scale(wanted: np.ndarray) -> float:
    """Return the scale of the absolute tolerance: one where all is zero, else a trace of the largest number."""
    finite = np.abs(wanted[np.isfinite(wanted)]) if wanted.size else wanted
    largest = float(finite.max()) if finite.size else 0.0
    return 1.0 if largest == 0.0 else min(largest, 1.0) * 1e-3


def _array(value: Any) -> np.ndarray | None:
    if isinstance(value, (pd.DataFrame, Mapping, set, frozenset, str, bytes)) or callable(value):
        return None
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return None
    if array.dtype == object:
        try:
            return array.astype("float64")
        except (ValueError, TypeError):
            return array
    return array


def _numeric(array: np.ndarray) -> bool:
    return array.dtype.kind in "iufb"


def _known_mistake(given: Any, hints: Hints, tolerance: float, cases: Sequence[tuple[Any, ...]]) -> str | None:
    pairs = hints.items() if isinstance(hints, Mapping) else hints
    for wrong, hint in pairs:
        if callable(wrong) and callable(given) and cases:
            # A wrong function is compared on the cases, as the right one is.
            found = all(_same(_call(given, case), _call(wrong, case), tolerance) for case in cases)
        elif callable(wrong):
            found = not cases and _says_yes(wrong, given)
        else:
            found = not callable(given) and _same(given, wrong, tolerance)
        if found:
            return hint
    return None


def _general_hint(given: Any, right: Any, tolerance: float, cases: Sequence[tuple[Any, ...]]) -> str:
    """Compare the kinds, sizes and forms of the two answers, in words that do not tell the right one."""
    if callable(right) and not callable(given):
        if cases:
            return f"Your answer should be a function; it is {_kind(given)}."
        return "Read the question once more and look at what your answer is made of."
    if callable(given) != callable(right):
        return f"The answer is {_kind(right)}; yours is {_kind(given)}."
    if callable(given):
        return _function_hint(given, right, tolerance, cases)
    if isinstance(right, pd.DataFrame):
        return _table_hint(given, right)
    if isinstance(right, (set, frozenset)) and (members := _collected(given)) is not None:
        spare = bool(members - right)
        said = ["Something in it does not belong there."] * spare + ["Something is missing."] * bool(right - members)
        return " ".join(said)
    left, wanted = _array(given), _array(right)
    if left is None or wanted is None or not (_numeric(left) and _numeric(wanted)):
        if _kind(given) != _kind(right):
            return f"The answer is {_kind(right)}; yours is {_kind(given)}."
        return "Read the question once more and look at what your answer is made of."
    if left.shape != wanted.shape:
        if left.ndim == 2 and left.T.shape == wanted.shape and _same(left.T, wanted, tolerance):
            return "Rows and columns are exchanged."
        return f"The answer has shape {wanted.shape}; yours has shape {left.shape}."
    return _number_hint(left.astype("float64"), wanted.astype("float64"), tolerance)


def _number_hint(left: np.ndarray, wanted: np.ndarray, tolerance: float) -> str:
    if np.isnan(left).any() and not np.isnan(wanted).any():
        return "There is a NaN in your answer: look for a division by zero or a missing value."
    if _same(-left, wanted, tolerance):
        return "The size is right; look at the sign."
    if _same(left / 100, wanted, tolerance) or _same(left * 100, wanted, tolerance):
        return "You are a factor of one hundred away: a share, or a percentage?"
    if left.ndim == 2 and left.shape[0] == left.shape[1] and _same(left.T, wanted, tolerance):
        return "Rows and columns are exchanged."
    if left.size > 1 and _same(np.sort(left, axis=None), np.sort(wanted, axis=None), tolerance):
        return "The numbers are right and their order is not."
    if left.size > 1:
        # The share of right entries says how far the reader is; it tells none of them.
        close = np.isclose(left, wanted, rtol=tolerance, atol=tolerance * _scale(wanted), equal_nan=True)
        return f"{int(close.sum())} of {close.size} entries are right."
    if _same(left, wanted, 0.05):
        return "You are close: look at what is counted at the edges, or at a rounding on the way."
    return "Your number is too large." if float(left.sum()) > float(wanted.sum()) else "Your number is too small."


def _table_hint(given: Any, right: pd.DataFrame) -> str:
    if not isinstance(given, pd.DataFrame):
        return f"The answer is a table; yours is {_kind(given)}."
    missing = [str(column) for column in right.columns if column not in given.columns]
    spare = [str(column) for column in given.columns if column not in right.columns]
    if missing or spare:
        said = [f"missing: {', '.join(missing)}"] * bool(missing) + [f"not asked for: {', '.join(spare)}"] * bool(spare)
        return f"Look at the columns ({'; '.join(said)})."
    if list(given.columns) != list(right.columns):
        return "The columns are right and their order is not."
    if len(given) != len(right):
        return "Your table has too many rows." if len(given) > len(right) else "Your table has too few rows."
    return "Columns and number of rows are right; look at the values, and at the order of the rows."


def _function_hint(
    given: Callable[..., Any], right: Callable[..., Any], tolerance: float, cases: Sequence[tuple[Any, ...]]
) -> str:
    good = 0
    for case in cases:
        result = _call(given, case)
        if isinstance(result, _Broken):
            return f"Your function stopped with {type(result.error).__name__}: {result.error}."
        good += _same(result, right(*case), tolerance)
    if good == 0:
        results = _call(given, cases[0]), right(*cases[0])
        if results[0] is None:
            return "Your function returns nothing: is there a return?"
        return _general_hint(results[0], results[1], tolerance, cases)
    return f"Your function is right in {good} of {len(cases)} cases: think of the unusual ones."


def _kind(value: Any) -> str:
    if callable(value):
        return "a function"
    if isinstance(value, pd.DataFrame):
        return "a table"
    if isinstance(value, (str, bytes)):
        return "text"
    if isinstance(value, (bool, np.bool_)):
        return "True or False"
    if isinstance(value, Mapping):
        return "a dictionary"
    if isinstance(value, (set, frozenset)):
        return "a set"
    array = _array(value)
    if array is not None and array.ndim == 0 and _numeric(array):
        return "a number"
    return "several values" if array is not None and array.ndim else f"of type {type(value).__name__}"
