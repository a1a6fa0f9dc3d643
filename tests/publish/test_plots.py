"""Figures: light, with alt text, in colours that can be told apart."""

import base64
import io
from unittest import mock

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from avrec_lib.publish.plots import COLOURS, set_style, sheet, show, show_sheet, spectrogram_picture, waveform_picture

ALT = "Three lines that rise from the left to the right."


@pytest.fixture(autouse=True)
def plain_matplotlib():
    with mpl.rc_context():
        mpl.use("agg")
        set_style()
        yield
        plt.close("all")


def displayed(do: object) -> list[str]:
    """Return the HTML of everything that a call displays."""
    with mock.patch("IPython.display.display") as display:
        do()
    return [call.args[0]._repr_html_() for call in display.call_args_list]


def shown(**options: object) -> tuple[BeautifulSoup, bytes]:
    figure, axes = plt.subplots()
    for slope in range(3):
        axes.plot([0, 1], [0, slope])
    (markup,) = displayed(lambda: show(figure, **options))
    image = BeautifulSoup(markup, "html.parser").img
    return image, base64.b64decode(image["src"].split(",")[1])


def test_a_figure_is_shown_once_with_its_alt_text_and_closed() -> None:
    open_before = plt.get_fignums()
    image, _ = shown(alt=ALT + ' "<b>"')
    assert image["alt"] == ALT + ' "<b>"' and "avrec-media" in image["class"]
    assert plt.get_fignums() == open_before


@pytest.mark.parametrize("alt", ["", "a plot", "   "])
def test_a_figure_without_alt_text_is_refused(alt: str) -> None:
    with pytest.raises(ValueError, match="alt text"):
        show(plt.figure(), alt=alt)


def test_a_plain_figure_is_small_and_sharp() -> None:
    _, content = shown(alt=ALT)
    picture = Image.open(io.BytesIO(content))
    assert picture.format == "PNG" and picture.width >= 1000
    assert len(content) < 60_000


@pytest.mark.parametrize("layout", ["constrained", "tight", "none"])
def test_a_figure_is_drawn_as_matplotlib_saves_it(layout: str) -> None:
    def figure() -> mpl.figure.Figure:
        made, axes = plt.subplots(2, 1, figsize=(4.43, 3.17), layout=layout, facecolor="red")
        axes[0].plot([0, 1], [0, 1], label="a line")
        axes[1].set(xlabel="seconds", ylabel="a long label", title="a title")
        made.legend(loc="upper right")
        return made

    saved = io.BytesIO()
    figure().savefig(saved, format="png", dpi=150, facecolor="white")
    (markup,) = displayed(lambda: show(figure(), alt=ALT))
    content = base64.b64decode(BeautifulSoup(markup, "html.parser").img["src"].split(",")[1])
    wanted = Image.open(saved).convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    np.testing.assert_array_equal(Image.open(io.BytesIO(content)).convert("RGB"), wanted.convert("RGB"))


def test_the_same_figure_is_the_same_bytes() -> None:
    assert shown(alt=ALT)[1] == shown(alt=ALT)[1]


def test_photographs_are_stored_as_such() -> None:
    assert Image.open(io.BytesIO(shown(alt=ALT, photographic=True)[1])).format == "JPEG"


def luminance(colour: str) -> float:
    values = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_the_first_five_colours_stand_out_from_white() -> None:
    for colour in list(COLOURS.values())[:5]:
        assert 1.05 / (luminance(colour) + 0.05) >= 3.0, colour


# Projections of linear RGB for people without red- or green-sensitive cones (Vienot, Brettel and Mollon, 1999).
BLIND = {
    "red": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "green": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
}


@pytest.mark.parametrize("kind", BLIND)
def test_colour_blind_readers_tell_the_colours_apart(kind: str) -> None:
    seen = np.array([mpl.colors.to_rgb(colour) for colour in COLOURS.values()]) ** 2.2 @ np.array(BLIND[kind]).T
    seen = np.clip(seen, 0, 1) ** (1 / 2.2)
    distance = np.linalg.norm(seen[:, None] - seen[None], axis=2)[np.triu_indices(len(seen), 1)]
    assert distance.min() > 0.12


def test_a_sheet_names_every_tile() -> None:
    tile = np.zeros((8, 8, 3), np.uint8)
    page = BeautifulSoup(sheet([tile, (tile, tile)], ["one <1>", "two"], alts=["dark", "darker"]).markup, "html.parser")
    assert [caption.get_text() for caption in page.find_all("figcaption")] == ["one <1>", "two"]
    assert [image["alt"] for image in page.find_all("img")] == ["dark", "darker", ""]
    assert ["avrec-sheet" in markup for markup in displayed(lambda: show_sheet([tile], ["one"]))] == [True]


def test_a_sheet_with_a_missing_title_is_refused() -> None:
    with pytest.raises(ValueError, match="1 pictures has 2 titles"):
        sheet([np.zeros((8, 8, 3), np.uint8)], ["one", "two"])


def test_a_waveform_shows_where_the_sound_is() -> None:
    samples = np.concatenate([np.zeros(5000), np.sin(np.arange(5000) / 3)]).astype(np.float32)
    picture = waveform_picture(samples, width=100, height=50)
    ink = (picture != 255).any(axis=2).sum(axis=0)
    assert picture.shape == (50, 100, 3) and ink[:48].max() <= 4 and ink[55:].min() > 40
    assert waveform_picture(np.zeros(0), width=10, height=9).shape == (9, 10, 3)
    assert waveform_picture(np.ones(3), width=10, height=9).shape == (9, 10, 3)


def test_a_spectrogram_stands_upright_and_loud_is_bright() -> None:
    levels = np.full((4, 6), -80.0)
    levels[0] = 0.0
    picture = spectrogram_picture(levels, height=8).astype(int).sum(axis=2)
    assert picture.shape == (8, 6) and picture[-1].min() > 600 > 60 > picture[0].max()
