"""Draw a pipeline from the pipeline itself."""

import html
from itertools import pairwise

from avrec_lib.pipeline import Pipeline
from avrec_lib.publish.glance import Card

__all__ = ["draw_pipeline"]

_WIDTH, _ROW, _BOX, _GAP, _PASS = 720, 88, 48, 14, 20
_FONT = 'font-family="system-ui, sans-serif"'


def _levels(pipeline: Pipeline) -> dict[str, int]:
    """Return how many stages stand before each node, so that parallel ones share a row."""
    level = dict.fromkeys(pipeline.given, 0)
    made: dict[str, str] = {}
    for stage in pipeline.stages:
        level[stage.name] = 1 + max((level[made.get(value, value)] for value in stage.reads), default=0)
        made[stage.makes] = stage.name
    # A given value that is read late stands just above its first reader.
    for value in pipeline.given:
        level[value] = min(level[stage.name] for stage in pipeline.stages if value in stage.reads) - 1
    return level


def _rows(pipeline: Pipeline) -> tuple[list[list[str]], dict[tuple[str, str], list[str]]]:
    """Return the nodes of each row from left to right, and the way of each arrow through the rows.

    An arrow that passes a row has a place of its own there, so that it goes between
    boxes and not through them. Within a row, nodes stand below the middle of what they read.
    """
    level = _levels(pipeline)
    ways = {(start, end): [start, end] for start, end, _ in pipeline.edges()}
    rows: list[list[str]] = [[] for _ in range(max(level.values()) + 1)]
    for name, number in level.items():
        rows[number].append(name)
    for (start, end), way in ways.items():
        passed = [f"{start}>{end}>{row}" for row in range(level[start] + 1, level[end])]
        way[1:1] = passed
        for number, name in enumerate(passed, start=level[start] + 1):
            rows[number].append(name)
    before: dict[str, list[str]] = {}
    for way in ways.values():
        for above, below in pairwise(way):
            before.setdefault(below, []).append(above)
    place = {name: index / len(row) for row in rows[:1] for index, name in enumerate(row)}
    for row in rows[1:]:
        known = {name: [place[above] for above in before.get(name, [])] for name in row}
        row.sort(key=lambda name: sum(known[name]) / len(known[name]) if known[name] else 1.0)
        place |= {name: (index + 0.5) / len(row) for index, name in enumerate(row)}
    return rows, ways


def draw_pipeline(pipeline: Pipeline) -> Card:
    """Draw a pipeline's graph: what is given, the stages, and an arrow for each value that one hands to another.

    Parameters
    ----------
    pipeline : Pipeline
        Any pipeline of at least one stage.

    Returns
    -------
    Card
        An SVG picture that follows the page's colours; stages that could run side by side stand side by side.
    """
    rows, ways = _rows(pipeline)
    makes = {stage.name: stage.makes for stage in pipeline.stages}
    centre: dict[str, tuple[float, float, float]] = {}
    shapes: list[str] = []
    for number, names in enumerate(rows):
        passing = [name for name in names if ">" in name]
        width = min(170.0, (_WIDTH - _GAP - len(passing) * _PASS) / max(1, len(names) - len(passing)) - _GAP)
        total = sum((_PASS if name in passing else width) + _GAP for name in names) - _GAP
        x, y = (_WIDTH - total) / 2, 8.0 + number * _ROW
        for name in names:
            own = _PASS if name in passing else width
            centre[name] = (x + own / 2, y, own)
            if name not in passing:
                shapes.append(_box(x, y, own, name, makes.get(name)))
            x += own + _GAP
    arrows = []
    for (start, end), way in ways.items():
        x, y, _ = centre[start]
        path = f"M{x:.0f} {y + _BOX:.0f}"
        x, y = x, y + _BOX
        sources = sorted((w[-2] for (_, e), w in ways.items() if e == end), key=lambda name: centre[name][0])
        for name in way[1:]:
            last = name == end
            to_x, to_y, width = centre[name]
            if last:
                to_x += (sources.index(way[-2]) - (len(sources) - 1) / 2) * min(28.0, width / (len(sources) + 1))
            bend = (to_y - y) * 0.6
            path += f" C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} {to_x:.0f} {to_y - (7 if last else 0):.0f}"
            x, y = to_x, to_y
            if not last:
                path += f" V{to_y + _BOX:.0f}"
                y = to_y + _BOX
        arrows.append(
            f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="1.3" opacity="0.65"/>'
            f'<path d="M{x:.0f} {y:.0f} l-4.5 -8 h9 z" fill="currentColor" opacity="0.8"/>'
        )
    title = f"The pipeline as it runs. Arrows: {'; '.join(f'{start} to {end}' for start, end in ways)}."
    picture = (
        f'<svg class="avrec-pipeline" role="img" viewBox="0 0 {_WIDTH} {8 + len(rows) * _ROW - 30}" width="100%" '
        f'style="max-width:45rem;min-width:34rem" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{html.escape(title)}</title>{''.join(arrows)}{''.join(shapes)}</svg>"
    )
    return Card(f'<div class="avrec-scroll" style="overflow-x:auto" tabindex="0">{picture}</div>', title)


def _box(x: float, y: float, width: float, name: str, makes: str | None) -> str:
    """Draw a stage, or with a dashed line something that is given."""
    dashes = "" if makes else ' stroke-dasharray="5 4"'
    lines = [(name, 15, 19), (f"makes {makes}", 12, 37)] if makes else [("given", 12, 19), (name, 15, 37)]
    texts = "".join(
        f'<text x="{x + width / 2:.0f}" y="{y + offset:.0f}" text-anchor="middle" font-size="{size}" {_FONT} '
        f'fill="currentColor" font-weight="{700 if size == 15 else 400}">{html.escape(text)}</text>'
        for text, size, offset in lines
    )
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{_BOX}" rx="{6 if makes else 24}" fill="none" '
        f'stroke="currentColor" stroke-width="1.5"{dashes}/>{texts}'
    )
