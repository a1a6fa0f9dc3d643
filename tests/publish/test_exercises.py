"""Answer checks: right is right, wrong gets a hint, and the answer is never told."""

import numpy as np
import pandas as pd
import pytest

from avrec_lib.publish.exercises import check_answer


def said(capsys: pytest.CaptureFixture[str], *args: object, **options: object) -> tuple[bool, str]:
    result = check_answer("Q", *args, **options)
    return result, capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "right"),
    [
        (4, 4),
        (4.0, np.float32(4)),
        (np.int64(3), 3),
        ([1, 2], np.array([1.0, 2.0])),
        ((0.1 + 0.2, 1), [0.3, 1]),
        ("cosine", "cosine"),
        (True, np.bool_(True)),
        ({"a", "b"}, {"b", "a"}),
        (["b", "a"], {"a", "b"}),
        (("a", "b", "a"), {"a", "b"}),
        (np.array(["a", "b"]), {"a", "b"}),
        (pd.Series(["b", "a"], index=[5, 7]), {"a", "b"}),
        ({"a": 1.0}, {"a": 1}),
        (pd.Series([1.0, np.nan]), np.array([1.0, np.nan])),
        (["x", "y"], ["x", "y"]),
        (6, lambda answer: answer % 2 == 0),
    ],
)
def test_right_answers_are_accepted(capsys: pytest.CaptureFixture[str], given: object, right: object) -> None:
    result, text = said(capsys, given, right)
    assert result and "right" in text


@pytest.mark.parametrize(
    ("given", "right"),
    [
        (4, 5),
        (0.0, 1e-8),
        ("Cosine", "cosine"),
        (1, True),
        ([1, 2, 3], [1, 2]),
        ([2, 1], [1, 2]),
        (np.nan, 3.0),
        ("4", 4),
        ({"a"}, {"a", "b"}),
        (["a", "b", "c"], {"a", "b"}),
        ("ab", {"a", "b"}),
        ({"a": 1, "b": 2}, {"a", "b"}),
        ([["a"], ["b"]], {"a", "b"}),
        ({"a": 1}, {"b": 1}),
        (None, 4),
        (..., 4),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})),
        (5, lambda answer: answer % 2 == 0),
        ("x", lambda answer: answer % 2 == 0),
        (lambda x: x, 4),
    ],
)
def test_wrong_answers_are_not_accepted(capsys: pytest.CaptureFixture[str], given: object, right: object) -> None:
    result, text = said(capsys, given, right)
    assert (not result and "not yet" in text) or "no answer yet" in text


@pytest.mark.parametrize("given", [12, -7213.5, 721350.0, np.nan, "x", [7213.5, 1], 7213.0])
def test_the_answer_is_never_told(capsys: pytest.CaptureFixture[str], given: object) -> None:
    assert "7213.5" not in said(capsys, given, 7213.5)[1].replace("-7213.5", "")


def test_the_author_s_hint_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert "from zero" in said(capsys, 3, 4, hints={3: "Did you count from zero?"})[1]
    pairs = [(np.array([2.0, 1.0]), "Highest first."), (lambda answer: len(answer) == 1, "All of them.")]
    assert "Highest first." in said(capsys, [2, 1], [1, 2], hints=pairs)[1]
    assert "All of them." in said(capsys, [1], [1, 2], hints=pairs)[1]
    assert "Highest first." not in said(capsys, [9, 9], [1, 2], hints=pairs)[1]


@pytest.mark.parametrize(
    ("given", "right", "hint"),
    [
        (-4.0, 4.0, "sign"),
        (40.0, 0.4, "hundred"),
        (np.nan, 1.0, "NaN"),
        (3.0, 9.0, "too small"),
        (30.0, 9.0, "too large"),
        (9.2, 9.0, "close"),
        ([3, 2, 1], [1, 2, 3], "order"),
        (np.ones((2, 3)), np.ones((3, 2)), "exchanged"),
        ([1, 2], [1, 2, 3], "shape"),
        ([1, 2, 9], [1, 2, 3], "2 of 3"),
        ("4", 4, "a number"),
        (4, lambda x: x > 5, "Read"),
        (["a"], {"a", "b"}, "not yet. Something is missing.\n"),
        (["a", "b", "c"], {"a", "b"}, "not yet. Something in it does not belong there.\n"),
        ({"a", "c"}, {"a", "b"}, "belong there. Something is missing."),
        ("a", {"a", "b"}, "The answer is a set; yours is text."),
    ],
)
def test_common_mistakes_get_a_hint(
    capsys: pytest.CaptureFixture[str], given: object, right: object, hint: str
) -> None:
    assert hint in said(capsys, given, right)[1]


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (pd.DataFrame({"a": [1, 2]}), "missing: b"),
        (pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [0, 0]}), "not asked for: c"),
        (pd.DataFrame({"b": [3, 4], "a": [1, 2]}), "order"),
        (pd.DataFrame({"a": [1], "b": [3]}), "too few rows"),
        (pd.DataFrame({"a": [1, 2], "b": [3, 5]}), "values"),
        ([1, 2], "a table"),
    ],
)
def test_tables_are_compared_part_by_part(capsys: pytest.CaptureFixture[str], given: object, hint: str) -> None:
    result, text = said(capsys, given, pd.DataFrame({"a": [1, 2], "b": [3, 4]}))
    assert not result and hint in text


def test_functions_are_compared_on_cases(capsys: pytest.CaptureFixture[str]) -> None:
    cases = [(1,), (2,), (-3,)]
    assert said(capsys, lambda x: x * x, lambda x: x**2, cases=cases)[0]
    assert "2 of 3" in said(capsys, lambda x: x * abs(x), lambda x: x**2, cases=cases)[1]
    assert "return" in said(capsys, lambda x: None, lambda x: x**2, cases=cases)[1]
    assert "ZeroDivisionError" in said(capsys, lambda x: x / 0, lambda x: x**2, cases=cases)[1]
    hints = [(lambda x: x + x, "You doubled.")]
    assert "You doubled." in said(capsys, lambda x: 2 * x, lambda x: x**2, cases=cases, hints=hints)[1]
    with pytest.raises(ValueError, match="cases"):
        check_answer("Q", abs, abs)


@pytest.mark.parametrize("given", [5, "x", [1, 4, 9], {"x": 1}, np.arange(3), pd.DataFrame({"x": [1]})])
def test_an_answer_that_is_no_function_is_told_so_where_one_is_asked_for(
    capsys: pytest.CaptureFixture[str], given: object
) -> None:
    hints = [(lambda x: x + x, "You doubled.")]
    result, text = said(capsys, given, lambda x: x**2, cases=[(1,), (2,), (-3,)], hints=hints)
    assert not result and "Your answer should be a function" in text


def test_a_mistake_that_cannot_be_recognised_in_this_kind_of_answer_is_passed_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hints = [(lambda answer: "b" in answer, "Look at b."), (5, "Five things, not the number.")]
    assert "Five things" in said(capsys, 5, {"a"}, hints=hints)[1]
    assert "Look at b." in said(capsys, ["a", "b"], {"a"}, hints=hints)[1]
