"""The lint of prose finds typed results and unbacked comparisons, and leaves honest sentences alone."""

import pytest

from avrec_lib.publish.prose import claim_names, lint_text

CELL = """\
```{code-cell} ipython3
claim("ndcg-content", 0.2)
claim_better("content-over-popularity", a, b)
for name in names:
    claim(f"ndcg-{name}", 0.1)
```

"""


def lint(sentence):
    return [finding.why for finding in lint_text(CELL + sentence + "\n", "x.md")]


@pytest.mark.parametrize(
    ("sentence", "sign"),
    [
        ("The score is 0.143 here.", "'0.143'"),
        ("It reaches 12 % of people.", "'12 %'"),
        ("It reaches 12% of people.", "'12%'"),
        ("- A list says 3.5 too.", "'3.5'"),
        ("| a table | 0.25 |", "'0.25'"),
        (":::{admonition} Takeaway\nIt is 0.7 in a box.\n:::", "'0.7'"),
        ("It is .25 there.", "'.25'"),
        ("It is 0,25 there.", "'0,25'"),
        ("It fell to 1e-3 then.", "'1e-3'"),
        ("It ran at 3x.", "'3x'"),
        ("It found 71 of 100.", "'71 of 100'"),
        ("It is ahead of the other at {glue:text}`ndcg-content`.", "'ahead of'"),
        ("See {glue:text}`no-such-claim`.", "no cell of this chapter claims"),
        ("Here {glue:text}`ndcg-content` and {glue:text}`gone-claim` and `code`.", "pastes 'gone-claim'"),
        ("Content is better: {glue:text}`ndcg-content`.", "'better'"),
        ("Content beats popularity on 3 of them.", "'beats'"),
    ],
)
def test_what_is_typed_is_found(sentence, sign):
    found = lint(sentence)
    assert len(found) == 1 and sign in found[0]


@pytest.mark.parametrize(
    "sentence",
    [
        "The score is {glue:text}`ndcg-content`.",
        "It is {glue:text}`ndcg-content`, then {glue:text}`ndcg-sound`, and `0.5` in code.",
        "A pattern of names is known: {glue:text}`ndcg-sound`.",
        "Content is {glue:text}`content-over-popularity` than popularity, so it beats it.",
        "What would be better? Write down a guess.",
        "The formula $x = 0.5$ is mathematics.",
        "Say `0.5` in code.",
        "$$\na = 0.25\n$$",
        "{cite:t}`someone2016` says so.",
        "[A link](https://example.org/1.5) is not prose.",
        "```python\nx = 0.5\n```",
        "Ten clips, 16 topics, chapter 3, and 1,682 items.",
    ],
)
def test_what_is_honest_is_left_alone(sentence):
    assert lint(sentence) == []


def test_a_finding_names_its_line():
    (finding,) = lint_text(CELL + "One.\n\nTwo is 0.5 big.\n", "chapters/01_x.md")
    assert finding.place == f"chapters/01_x.md:{len(CELL.splitlines()) + 3}"


def test_an_allowed_piece_may_stand():
    assert lint_text("Licence CC BY 4.0.\n", "x.md", allowed={"CC BY 4.0"}, chapter=False) == []
    assert len(lint_text("Licence CC BY 4.0.\n", "x.md", chapter=False)) == 1


def test_names_are_read_from_the_code():
    every, comparisons = claim_names(CELL)
    assert every == {"ndcg-content", "content-over-popularity", "ndcg-*"}
    assert comparisons == {"content-over-popularity"}
