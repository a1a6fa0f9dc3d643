"""A table of means with their intervals, as a picture."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["interval_chart"]


def interval_chart(table: pd.DataFrame, metric: str, *, axes: "Axes | None" = None, label: str | None = None) -> "Axes":
    """Draw one metric of every recommender: a dot for the mean, a line for its interval, the best on top.

    Parameters
    ----------
    table : DataFrame
        From :func:`~avrec_lib.evaluate.contest.evaluate` (column ``value``) or
        :func:`~avrec_lib.evaluate.comparison.compare` (column ``difference``: a line at zero is drawn, and what shows
        no difference is hollow).
    metric : str
        Name with its k, such as ``"ndcg@10"``.
    axes : Axes, optional
        Where to draw; default a new figure.
    label : str, optional
        Words under the axis; default the metric's name.

    Returns
    -------
    Axes
        The picture, with no title yet.

    Raises
    ------
    ValueError
        If the table lacks the metric.
    """
    if metric not in table.index.get_level_values("metric"):
        raise ValueError(f"there is no metric {metric!r} in the table")
    compared = "difference" in table
    column = "difference" if compared else "value"
    rows = table[table.index.get_level_values("metric") == metric].droplevel("metric")
    rows = rows.sort_values(column, kind="stable")
    from matplotlib.colors import to_rgba

    if axes is None:
        import matplotlib.pyplot as plt

        axes = plt.subplots(figsize=(7.0, 0.8 + 0.42 * len(rows)))[1]
    place, middle = np.arange(len(rows)), rows[column].to_numpy()
    colour = axes.plot([], [])[0].get_color()
    axes.hlines(place, rows["low"].to_numpy(), rows["high"].to_numpy(), color=colour, linewidth=2.0)
    hollow = rows["verdict"].eq("no difference shown").to_numpy() if compared else np.zeros(len(rows), dtype=bool)
    faces = np.where(hollow[:, None], to_rgba("white"), to_rgba(colour))
    axes.scatter(middle, place, s=46, c=faces, edgecolors=colour, linewidths=1.6, zorder=3)
    if compared:
        axes.axvline(0.0, color="0.45", linewidth=1.0, linestyle="--", zorder=1)
    axes.set_yticks(place, labels=[str(name) for name in rows.index])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel(label or (f"difference in {metric}" if compared else metric))
    return axes
