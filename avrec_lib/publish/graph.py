"""Draw a pipeline from the pipeline itself."""

import html

from avrec_lib.pipeline import Pipeline
from avrec_lib.publish.glance import Card

__all__ = ["draw_pipeline"]

_WIDTH, _ROW, _BOX, _GAP = 720, 88, 48, 12
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
    level = _levels(pipeline)
    rows: dict[int, list[str]] = {}
    for name, row in level.items():
        rows.setdefault(row, []).append(name)
    makes = {stage.name: stage.makes for stage in pipeline.stages}
    place: dict[str, tuple[float, float, float]] = {}
    shapes: list[str] = []
    for row, names in rows.items():
        width = min(190.0, (_WIDTH - _GAP) / len(names) - _GAP)
        left = (_WIDTH - len(names) * (width + _GAP) + _GAP) / 2
        for number, name in enumerate(names):
            x, y = left + number * (width + _GAP), 8 + row * _ROW
            place[name] = (x + width / 2, y, width)
            given, dashes = name not in makes, ' stroke-dasharray="5 4"'
            shapes.append(
                f'<rect x="{x:.0f}" y="{y}" width="{width:.0f}" height="{_BOX}" rx="{24 if given else 6}" fill="none" '
                f'stroke="currentColor" stroke-width="1.5"{dashes if given else ""}/>'
            )
            lines = [("given", 12), (name, 15)] if given else [(name, 15), (f"makes {makes[name]}", 12)]
            for offset, (text, size) in zip((19, 37), lines, strict=True):
                weight = ' font-weight="700"' if size == 15 else ""
                shapes.append(
                    f'<text x="{x + width / 2:.0f}" y="{y + offset}" text-anchor="middle" font-size="{size}" {_FONT} '
                    f'fill="currentColor"{weight}>{html.escape(text)}</text>'
                )
    arrows = []
    for start, end, _ in pipeline.edges():
        (x1, y1, _), (x2, y2, width) = place[start], place[end]
        readers = [a for a, b, _ in pipeline.edges() if b == end]
        spread = (readers.index(start) - (len(readers) - 1) / 2) * min(26.0, width / (len(readers) + 1))
        top, bottom = y1 + _BOX, y2 - 7
        bend = (bottom - top) * 0.6
        arrows.append(
            f'<path d="M{x1:.0f} {top:.0f} C{x1:.0f} {top + bend:.0f} {x2 + spread:.0f} {bottom - bend:.0f} '
            f'{x2 + spread:.0f} {bottom:.0f}" fill="none" stroke="currentColor" stroke-width="1.3" opacity="0.65"/>'
            f'<path d="M{x2 + spread:.0f} {y2:.0f} l-4.5 -8 h9 z" fill="currentColor" opacity="0.8"/>'
        )
    edges = [f"{start} to {end}" for start, end, _ in pipeline.edges()]
    title = f"The pipeline as it runs. Arrows: {'; '.join(edges)}."
    height = 8 + (max(rows) + 1) * _ROW
    picture = (
        f'<svg class="avrec-pipeline" role="img" viewBox="0 0 {_WIDTH} {height}" width="100%" '
        f'style="max-width:45rem;min-width:34rem" xmlns="http://www.w3.org/2000/svg"><title>{html.escape(title)}</title>'
        f"{''.join(arrows)}{''.join(shapes)}</svg>"
    )
    return Card(f'<div class="avrec-scroll" style="overflow-x:auto" tabindex="0">{picture}</div>', title)
