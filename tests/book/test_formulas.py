"""Formulas are rendered when the book is built, to what browsers draw by themselves."""

import sys
from pathlib import Path

import dukpy
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book" / "_ext"))

import offline


@pytest.mark.parametrize(
    ("latex", "drawn"),
    [
        (r"\mathbf{x}", "𝐱"),
        (r"\mathbb{R}", "ℝ"),
        (r"\mathbb{E}", "𝔼"),
        (r"\mathcal{L}", "ℒ"),
        (r"\mathcal{U}", "𝒰"),
        (r"\boldsymbol{\theta}", "𝜽"),
        (r"\mathbf{1}", "𝟏"),
        (r"\mathfrak{C}", "ℭ"),
    ],
)
def test_alphabets_become_characters_that_every_browser_knows(latex: str, drawn: str) -> None:
    written = offline.mathml(latex, False)
    assert f">{drawn}<" in written and 'mathvariant="b' not in written


def test_columns_stand_where_latex_puts_them() -> None:
    written = offline.mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", True)
    assert written.count("text-align:right") == 2 and written.count("text-align:left") == 2
    assert "columnalign" not in written


def test_the_bars_of_a_norm_hug_what_they_hold_and_a_condition_does_not() -> None:
    assert offline.mathml(r"\lVert x \rVert", False).count('lspace="0"') == 2
    assert 'lspace="0"' not in offline.mathml(r"P(a \mid b)", False)


def test_a_formula_keeps_its_source_for_copying_and_for_screen_readers() -> None:
    assert r"\frac{1}{2}</annotation>" in offline.mathml(r"\frac{1}{2}", False)


@pytest.mark.parametrize("latex", [r"\frac{1}", r"\nosuchcommand", r"a & b", r"{x"])
def test_a_mistaken_formula_is_an_error_of_the_build(latex: str) -> None:
    with pytest.raises(dukpy.JSRuntimeError, match="KaTeX parse error"):
        offline.mathml(latex, False)
