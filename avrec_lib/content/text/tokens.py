"""Text of any script as a list of tokens."""

import unicodedata
from collections.abc import Sequence
from functools import cache

import regex

__all__ = ["ngrams", "normalise", "tokenise"]

# Scripts that put no space between words, and the mark that lengthens a Japanese vowel.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc"


@cache
def _patterns() -> tuple[regex.Pattern[str], regex.Pattern[str], regex.Pattern[str]]:
    """Return what finds invisible characters, tokens, and the characters of an unspaced run."""
    invisible = regex.compile(r"\p{Cf}+")
    spaced = rf"[[\p{{L}}\p{{N}}]--[{_UNSPACED}]]\p{{M}}*"
    word = rf"{spaced}(?:{spaced}|_)*(?:['\u2019](?:{spaced})+)*"
    unspaced = rf"[[\p{{L}}\p{{N}}]&&[{_UNSPACED}]]\p{{M}}*"  # such a script has signs, too, that are no letters
    token = regex.compile(rf"(?V1)(?P<run>(?:{unspaced})+)|(?P<word>{word})")
    return invisible, token, regex.compile(r"\P{M}\p{M}*")


def normalise(text: str) -> str:
    """Bring text to one form, so that what a reader takes for the same is the same.

    Compatibility composition (NFKC, Unicode Standard Annex 15) makes one character of an accent and its letter, and
    plain letters of full-width ones and ligatures. Case is folded, and characters that nobody sees (soft hyphens,
    zero-width spaces, marks of direction) go.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Normalised; applying it again changes nothing.

    Examples
    --------
    >>> normalise("Ｆｕｌｌ-width STRASSE"), len("cafe" + chr(0x301)), len(normalise("cafe" + chr(0x301)))
    ('full-width strasse', 5, 4)
    """
    invisible, _, _ = _patterns()
    text = unicodedata.normalize("NFKC", invisible.sub("", text))
    for _ in range(2):  # folding can undo the composition, and a composition can bring letters that fold
        text = unicodedata.normalize("NFKC", text.casefold())
    return invisible.sub("", text)


def tokenise(text: str) -> list[str]:
    """Split text into tokens, in the order in which they stand.

    A run of letters and digits is a token, with the apostrophes inside it. Where a script puts no spaces between
    words (Chinese, Japanese, Thai and others) a run becomes its characters and its pairs of neighbours: most words of
    such scripts have one or two characters. Everything else, such as punctuation and emoji, is left out.

    Parameters
    ----------
    text : str
        Any text; it is normalised first.

    Returns
    -------
    list of str
        Tokens, with repetitions.

    Examples
    --------
    >>> tokenise("Don't stop: 4 waves")
    ["don't", 'stop', '4', 'waves']
    >>> tokenise("雨の夜")
    ['雨', 'の', '夜', '雨の', 'の夜']
    """
    _, token, character = _patterns()
    found: list[str] = []
    for match in token.finditer(normalise(text)):
        if run := match["run"]:
            characters = character.findall(run)
            found += characters
            found += ngrams(characters, 2, joint="")
        else:
            found.append(match["word"].replace("\u2019", "'"))
    return found


def ngrams(tokens: Sequence[str], n: int, *, joint: str = " ") -> list[str]:
    """Join every ``n`` neighbours.

    Parameters
    ----------
    tokens : sequence of str
        Tokens in their order, or a text for its characters.
    n : int
        How many belong together, at least 1.
    joint : str
        What stands between them.

    Returns
    -------
    list of str
        ``len(tokens) - n + 1`` of them, none if there are fewer tokens.

    Raises
    ------
    ValueError
        If `n` is below 1.

    Examples
    --------
    >>> ngrams(["not", "the", "sea"], 2), ngrams("drum", 3, joint="")
    (['not the', 'the sea'], ['dru', 'rum'])
    """
    if n < 1:
        raise ValueError(f"n is a number of neighbours, at least 1, not {n}")
    return [joint.join(tokens[start : start + n]) for start in range(len(tokens) - n + 1)]
