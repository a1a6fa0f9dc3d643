"""How the book's figures look, and how they are shown: light files, alt text, readable in both themes."""

import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from avrec_lib.publish.glance import Card
from avrec_lib.publish.players import data_uri, picture_uri

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "set_style", "sheet", "show", "show_sheet", "spectrogram_picture", "waveform_picture"]

COLOURS: dict[str, str] = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#AA4499",
    "ink": "#333333",
    "orange": "#E69F00",
    "sky": "#56B4E9",
}
"""Colours that people with any common colour vision tell apart.

After Okabe and Ito (2008); the purple is darker than theirs, so that a thin
line of any of the first five stands out from white.
"""

_SMALLEST_ALT = 15


def set_style() -> None:
    """Set matplotlib's style for the rest of this session: colours, sizes, no chart junk.

    Figures have no background of their own: the page lays a card under them
    that is softer in the dark theme.
    """
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(
        {
            "axes.edgecolor": "#555555",
            "axes.facecolor": "none",
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.labelsize": 12.5,
            "axes.prop_cycle": cycler(color=list(COLOURS.values())),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": 13.5,
            "axes.titleweight": "bold",
            "figure.constrained_layout.use": True,
            "figure.dpi": 100,
            "figure.facecolor": "white",
            "figure.figsize": (7.0, 3.8),
            "font.family": ["DejaVu Sans"],
            "font.size": 12.5,
            "grid.color": "#dddddd",
            "grid.linewidth": 0.8,
            "image.cmap": "cividis",
            "legend.frameon": False,
            "lines.linewidth": 2.0,
            "lines.markersize": 6.0,
            "savefig.facecolor": "white",
            "svg.hashsalt": "avrec",
            "xtick.labelsize": 11.5,
            "ytick.labelsize": 11.5,
        }
    )


def show(figure: "Figure", alt: str, *, dpi: int = 150, photographic: bool = False) -> None:
    """Show a figure here, once, with the text that stands for it, and close it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    alt : str
        What the figure shows and what one sees in it.
    dpi : int
        Dots an inch; the page shows the figure at two thirds of its dots, so that it is sharp on fine screens.
    photographic : bool
        Compress as a photograph (JPEG): smaller for pictures, spoils thin lines.

    Raises
    ------
    ValueError
        If the alt text says nothing.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    said = alt.strip()
    if len(said) < _SMALLEST_ALT:
        raise ValueError(f"a figure needs alt text that says what one sees in it, not {alt!r}")
    figure.set(dpi=dpi, facecolor="white")
    # savefig would draw it twice, first to lay it out, and write a file that is read at once.
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    plt.close(figure)
    address, width = _compressed(Image.fromarray(np.asarray(canvas.buffer_rgba())), photographic=photographic)
    markup = (
        f'<img class="avrec-media avrec-figure" src="{address}" alt="{html.escape(said)}" '
        f'style="max-width:100%;width:{round(width * 100 / dpi)}px;height:auto">'
    )
    display(Card(markup, said))


def show_sheet(
    pictures: Sequence[np.ndarray | Sequence[np.ndarray]],
    titles: Sequence[str],
    *,
    alts: Sequence[str] | None = None,
    width: int = 128,
) -> None:
    """Show many small pictures as a sheet that fits every screen.

    Parameters
    ----------
    pictures : sequence
        One entry a tile: a picture, uint8 of shape (h, w, 3), or several that stand one above the other.
    titles : sequence of str
        A tile's name, written under it.
    alts : sequence of str, optional
        What a tile shows; its title when not given.
    width : int
        Width of a tile in the page, pixels.

    Raises
    ------
    ValueError
        If the lengths differ or there is no tile.
    """
    from IPython.display import display

    display(sheet(pictures, titles, alts=alts, width=width))


def sheet(
    pictures: Sequence[np.ndarray | Sequence[np.ndarray]],
    titles: Sequence[str],
    *,
    alts: Sequence[str] | None = None,
    width: int = 128,
) -> Card:
    """Make the sheet that :func:`show_sheet` shows.

    Parameters
    ----------
    pictures, titles, alts, width
        As in :func:`show_sheet`.

    Returns
    -------
    Card
        The sheet as HTML.

    Raises
    ------
    ValueError
        If the lengths differ or there is no tile.
    """
    said = list(titles if alts is None else alts)
    if not len(pictures) == len(titles) == len(said) or not titles:
        raise ValueError(f"a sheet of {len(pictures)} pictures has {len(titles)} titles and {len(said)} alt texts")
    tiles = []
    for picture, title, alt in zip(pictures, titles, said, strict=True):
        stack = [picture] if isinstance(picture, np.ndarray) else list(picture)
        images = "".join(
            f'<img class="avrec-media" src="{picture_uri(image)}" alt="{html.escape(alt) if first else ""}" '
            'style="display:block;width:100%;height:auto">'
            for first, image in zip([True] + [False] * len(stack), stack, strict=False)
        )
        tiles.append(f'<figure style="margin:0">{images}<figcaption>{html.escape(title)}</figcaption></figure>')
    style = f"display:grid;grid-template-columns:repeat(auto-fill,minmax({int(width)}px,1fr));gap:.6rem"
    return Card(f'<div class="avrec-sheet" style="{style}">{"".join(tiles)}</div>', "; ".join(titles))


def waveform_picture(samples: np.ndarray, *, width: int = 256, height: int = 64) -> np.ndarray:
    """Draw a sound's waveform as a small picture.

    Parameters
    ----------
    samples : ndarray of float, shape (n,)
        The sound, each sample in [-1, 1].
    width, height : int
        Size of the picture, pixels.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Dark on white; a column holds the range of the samples that fall in it.
    """
    edges = np.linspace(0, len(samples), width + 1).astype(int)[:-1]
    if len(samples) == 0:
        low = high = np.zeros(width)
    else:
        edges = np.minimum(edges, len(samples) - 1)
        low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
    rows = np.linspace(1.0, -1.0, height)[:, None]
    step = 2.0 / height
    inside = (rows <= high[None, :] + step) & (rows >= low[None, :] - step)
    ink = np.array([0, 114, 178], dtype=np.uint8)
    return np.where(inside[:, :, None], ink, np.uint8(255)).astype(np.uint8)


def spectrogram_picture(levels: np.ndarray, *, floor: float = -60.0, height: int | None = None) -> np.ndarray:
    """Colour a spectrogram, loud bright and quiet dark, low notes at the bottom.

    Parameters
    ----------
    levels : ndarray of float, shape (bands, t)
        Level in decibels below the loudest; band 0 is the lowest.
    floor : float
        The level drawn darkest, decibels.
    height : int, optional
        Height of the picture in pixels; one for each band when not given.

    Returns
    -------
    ndarray of uint8, shape (height, t, 3)
        In a colour scale that stays in order for colour-blind readers and in grey.
    """
    import matplotlib as mpl

    shade = np.clip((levels - floor) / -floor, 0.0, 1.0)[::-1]
    if height is not None:
        shade = shade[np.linspace(0, len(shade) - 1, height).round().astype(int)]
    return (mpl.colormaps["magma"](shade)[:, :, :3] * 255).round().astype(np.uint8)


def _compressed(image: Image.Image, *, photographic: bool) -> tuple[str, int]:
    """Return the address of a figure, as a JPEG or as a PNG of few colours, and its width in pixels."""
    flat = image.convert("RGB")
    if photographic:
        return picture_uri(np.asarray(flat)), flat.width
    # A palette of 256 colours is enough for lines and text, and makes the smaller file.
    buffer = io.BytesIO()
    few = flat.quantize(colors=256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(buffer, format="PNG", compress_level=6)  # the smallest file takes seven times as long
    return data_uri(buffer.getvalue(), "image/png"), flat.width
