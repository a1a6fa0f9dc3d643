"""The card at the head of a chapter: what you will be able to do, what it takes, and where you are."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["STAGES", "Card", "at_a_glance", "fill_measured", "pipeline_map", "pipeline_picture"]

STAGES: tuple[str, ...] = (
    "collect",
    "prepare",
    "text",
    "vision",
    "audio",
    "fusion",
    "users",
    "match",
    "recommend",
    "evaluate",
    "feedback",
)
"""The boxes of the pipeline picture, and ``feedback``, its arrow from people's reactions back to the log."""

_GROUPS: dict[str, tuple[str, ...]] = {"content": ("text", "vision", "audio"), "all": STAGES}
_WORDS_A_MINUTE = 200
_NOT_YET = "measured when the book is built"

# Left edge, top edge and width of every box, in the picture's own units; the
# picture is narrow so that a phone shows it without shrinking its words.
_HEIGHT = 30
_BOXES: dict[str, tuple[int, int, int]] = {
    "collect": (34, 8, 88),
    "prepare": (154, 8, 88),
    "text": (34, 76, 66),
    "vision": (110, 76, 66),
    "audio": (186, 76, 66),
    "users": (272, 76, 80),
    "fusion": (104, 140, 78),
    "match": (200, 204, 78),
    "recommend": (34, 268, 108),
    "evaluate": (244, 268, 108),
}
_ARROWS: tuple[str, ...] = (
    "M122 23 H152",  # collect to prepare
    "M198 38 V57 H67 V74",  # prepare to text,
    "M198 38 V57 H143 V74",  # to vision,
    "M198 38 V57 H219 V74",  # to audio
    "M198 38 V57 H312 V74",  # and to users, side by side
    "M67 106 V122 H128 V138",  # text,
    "M143 106 V138",  # vision
    "M219 106 V122 H158 V138",  # and audio meet in fusion
    "M143 170 V187 H222 V202",  # item vectors
    "M312 106 V187 H256 V202",  # and user vectors meet in match
    "M239 234 V251 H88 V266",  # match to recommend
    "M142 283 H242",  # recommend to evaluate
)
_FEEDBACK = "M34 283 H16 V23 H32"


@dataclass(frozen=True)
class Card:
    """A piece of HTML that Jupyter shows.

    Attributes
    ----------
    markup : str
        The HTML.
    plain : str
        The same in words, for readers without HTML.
    """

    markup: str
    plain: str

    def _repr_html_(self) -> str:
        return self.markup

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.markup, "text/plain": self.plain}


def at_a_glance(*, can: Sequence[str], before: str, stage: Sequence[str] | str, words: int | None = None) -> Card:
    """Make the card that opens a chapter.

    The minutes to read and the seconds to run are measured by the build and
    put in by :func:`fill_measured`; in Jupyter their places say so.

    Parameters
    ----------
    can : sequence of str
        What you will be able to do, each starting with a verb.
    before : str
        What you need first.
    stage : str or sequence of str
        The lit boxes: names of :data:`STAGES`, ``"content"`` for text, vision
        and audio together, or ``"all"``.
    words : int, optional
        The chapter's words, when they are known already: the minutes to read
        follow from them at two hundred words a minute.

    Returns
    -------
    Card
        Shown by Jupyter as HTML.

    Raises
    ------
    ValueError
        If nothing can be done after the chapter, or a stage has no box.
    """
    verbs = [text.strip() for text in can if text.strip()]
    if isinstance(can, str) or not verbs:
        raise ValueError("can= is a list of things that the reader will be able to do, at least one")
    lit = _lit(stage)
    minutes = _NOT_YET if words is None else _minutes(max(1, round(words / _WORDS_A_MINUTE)))
    items = "".join(f"<li>{html.escape(text)}</li>" for text in verbs)
    markup = (
        f'<section class="avrec-glance" aria-label="At a glance" data-stages="{" ".join(lit)}">'
        '<div class="avrec-glance-text">'
        '<p class="avrec-glance-head">At a glance</p>'
        f"<p><strong>You will be able to</strong></p><ul>{items}</ul>"
        f"<p><strong>You need first</strong><br>{html.escape(before.strip())}</p>"
        '<p><strong>To read</strong> <span class="avrec-read-minutes">'
        f"{minutes}</span><br>"
        f'<strong>To run</strong> <span class="avrec-run-seconds">{_NOT_YET}</span></p>'
        "</div>"
        f'<div class="avrec-glance-picture">{pipeline_picture(stage)}</div></section>'
    )
    plain = f"You will be able to: {'; '.join(verbs)}. You need first: {before.strip()} Stages: {', '.join(lit)}."
    return Card(markup, plain)


def pipeline_picture(stage: Sequence[str] | str) -> str:
    """Draw the stages of a recommender as a small picture, with some of them lit.

    Parameters
    ----------
    stage : str or sequence of str
        As in :func:`at_a_glance`.

    Returns
    -------
    str
        An ``<svg>`` element. Its colours follow the page's text, so it reads in light and dark.

    Raises
    ------
    ValueError
        If a stage has no box.
    """
    lit = _lit(stage)
    here = "all of it" if set(lit) >= set(STAGES) - {"feedback"} else ", ".join(lit)
    title = f"{_SHAPE} This chapter: {here}."
    boxes = "".join(_box(name, name in lit) for name in _BOXES)
    return _drawing(title, boxes, feedback_lit=lit == ("feedback",), role="img")


def pipeline_map(pages: Mapping[str, str]) -> str:
    """Draw the stages of a recommender as a picture whose boxes lead to the chapters about them.

    Parameters
    ----------
    pages : mapping of str to str
        The HTML that chapters show, by address. Which stages a chapter is about stands in its card.

    Returns
    -------
    str
        An ``<svg>`` element. A box leads to the page that lights its stage and the fewest others, the first of
        several; it is filled unless that page lights all stages. A box without a page is no link.
    """
    cards = {page: re.search(r'class="avrec-glance"[^>]* data-stages="([^"]*)"', text) for page, text in pages.items()}
    lights = {page: card.group(1).split() for page, card in cards.items() if card}
    boxes = ""
    for name in _BOXES:
        about = sorted((page for page in lights if name in lights[page]), key=lambda page: len(lights[page]))
        box = _box(name, bool(about) and len(lights[about[0]]) < len(STAGES))
        boxes += f'<a class="avrec-box" href="{html.escape(about[0])}">{box}</a>' if about else box
    return _drawing(_SHAPE, boxes, feedback_lit=False, role="group")


_SHAPE = (
    "The pipeline: collect, prepare; then text, vision and audio side by side into fusion, and users beside them; "
    "item and user vectors meet in match; then recommend and evaluate; people's reactions go back to collect."
)


def _drawing(title: str, boxes: str, *, feedback_lit: bool, role: str) -> str:
    line = 'fill="none" stroke="currentColor" stroke-width="1.4"'
    arrows = "".join(f'<path d="{path}" {line}/>{_head(path)}' for path in _ARROWS)
    back = _LIT_LINE if feedback_lit else line + ' stroke-dasharray="4 3"'
    feedback = f'<path d="{_FEEDBACK}" {back}/>{_head(_FEEDBACK)}'
    notes = (
        _note(30, 153, "people's reactions", turn=-90)
        + _note(150, 199, "item vectors", anchor="end", x_shift=40)
        + _note(318, 199, "user vectors")
    )
    return (
        f'<svg class="avrec-pipeline" role="{role}" viewBox="0 0 360 306" width="100%" style="max-width:26rem" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{html.escape(title)}</title>'
        f'<g opacity="0.7">{arrows}</g>{feedback}{notes}{boxes}</svg>'
    )


def fill_measured(markup: str, run_seconds: float, read_minutes: float) -> str:
    """Put the measured times into every card of a page.

    Parameters
    ----------
    markup : str
        HTML that may hold cards.
    run_seconds : float
        Seconds that the chapter took to run.
    read_minutes : float
        Minutes that it takes to read.

    Returns
    -------
    str
        The HTML with the times in their places; calling it again replaces them.

    Raises
    ------
    ValueError
        If a time is not a positive number: a chapter that took no time was not run.
    """
    for name, value in (("run_seconds", run_seconds), ("read_minutes", read_minutes)):
        if not 0 < value < float("inf"):
            raise ValueError(f"{name} is {value}: a measured time is a positive number")
    filled = _fill(markup, "avrec-run-seconds", _seconds(run_seconds))
    return _fill(filled, "avrec-read-minutes", _minutes(max(1, round(read_minutes))))


_LIT_LINE = 'fill="none" stroke="#0072B2" stroke-width="3"'


def _fill(markup: str, name: str, text: str) -> str:
    pattern = re.compile(rf'(<span class="{name}">)[^<]*(</span>)')
    return pattern.sub(lambda found: found.group(1) + html.escape(text) + found.group(2), markup)


def _seconds(value: float) -> str:
    if value < 1:
        return "less than a second"
    if value < 90:
        count = round(value)
        return "1 second" if count == 1 else f"{count} seconds"
    return _minutes(round(value / 60))


def _minutes(count: int) -> str:
    return "about 1 minute" if count == 1 else f"about {count} minutes"


def _lit(stage: Sequence[str] | str) -> tuple[str, ...]:
    """Return the lit stages in the picture's order."""
    named = [stage] if isinstance(stage, str) else list(stage)
    wanted: set[str] = set()
    for name in named:
        if name not in _GROUPS and name not in STAGES:
            raise ValueError(f"no stage is called {name!r}; the stages are {', '.join((*STAGES, *_GROUPS))}")
        wanted.update(_GROUPS.get(name, (name,)))
    if not wanted:
        raise ValueError("stage= names at least one stage")
    return tuple(name for name in STAGES if name in wanted)


def _box(name: str, lit: bool) -> str:
    left, top, width = _BOXES[name]
    look = (
        'fill="#0072B2" stroke="#0072B2" stroke-width="2"'
        if lit
        else 'fill="none" stroke="currentColor" stroke-opacity="0.65" stroke-width="1.4"'
    )
    ink = 'fill="#ffffff" font-weight="700"' if lit else 'fill="currentColor"'
    return (
        f'<rect x="{left}" y="{top}" width="{width}" height="{_HEIGHT}" rx="6" {look}/>'
        f'<text x="{left + width // 2}" y="{top + 20}" text-anchor="middle" font-size="15" '
        f'font-family="system-ui, sans-serif" {ink}>{name}</text>'
    )


def _note(x: int, y: int, text: str, *, anchor: str = "middle", turn: int = 0, x_shift: int = 0) -> str:
    turned = f' transform="rotate({turn} {x} {y})"' if turn else ""
    return (
        f'<text x="{x + x_shift}" y="{y}" text-anchor="{anchor}" font-size="11.5" font-family="system-ui, sans-serif" '
        f'fill="currentColor"{turned}>{text}</text>'
    )


def _head(path: str) -> str:
    """Return the arrow head at the end of a path of straight lines."""
    x = y = 0
    last = ""
    for letter, numbers in re.findall(r"([MHV])([\d ]+)", path):
        values = [int(number) for number in numbers.split()]
        if letter == "M":
            x, y = values
        elif letter == "H":
            last = "right" if values[0] > x else "left"
            x = values[0]
        else:
            last = "down" if values[0] > y else "up"
            y = values[0]
    turn = {"right": 0, "down": 90, "left": 180, "up": 270}[last]
    return f'<path d="M{x} {y} l-8 -4.5 v9 z" fill="currentColor" transform="rotate({turn} {x} {y})"/>'
