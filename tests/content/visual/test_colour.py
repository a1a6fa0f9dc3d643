import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from skimage.color import rgb2lab

from avrec_lib.content.visual import colour_histogram, colour_moments, dominant_colours, lab_bytes, lab_units
from avrec_lib.content.visual.colour import COLOUR_BINS, ColourCells, reduced

from .conftest import carpet


def plain(rgb, frames=2, size=32):
    return np.broadcast_to(np.array(rgb, np.uint8), (frames, size, size, 3)).copy()


def test_lab_is_that_of_scikit_image_within_a_byte():
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    off = np.abs(lab_units(lab_bytes(images)) - rgb2lab(images))
    assert off[..., 0].max() < 0.6 and off[..., 1:].max() < 1.1


def test_frames_are_converted_each_by_itself():
    images = np.random.default_rng(1).integers(0, 256, (4, 9, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(lab_bytes(images)[2], lab_bytes(images[2:3])[0])


def test_a_histogram_knows_light_hue_and_chroma():
    def only(rgb):
        shares = colour_histogram(lab_bytes(plain(rgb)))
        assert shares.shape == (2, len(COLOUR_BINS)) and shares[0].max() == 1.0
        return COLOUR_BINS[shares[0].argmax()]

    assert only([0, 0, 0]) == "grey-light-0" and only([255, 255, 255]) == "grey-light-3"
    assert only([200, 20, 20]).startswith("rich-") and only([150, 120, 120]).startswith("pale-")
    assert only([200, 20, 20]) != only([20, 20, 200])


def test_a_histogram_counts_every_pixel_once():
    shares = colour_histogram(lab_bytes(carpet()[None]))
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-6)


def test_moments_are_those_of_the_pixels():
    images = carpet(3, 64)[None]
    values = lab_units(lab_bytes(images)).reshape(-1, 3).astype(np.float64)
    away = values - values.mean(axis=0)
    wanted = [values.mean(axis=0), values.std(axis=0), np.cbrt((away**3).mean(axis=0))]
    np.testing.assert_allclose(colour_moments(lab_bytes(images))[0], np.concatenate(wanted), rtol=1e-4, atol=1e-4)


def test_painted_colours_come_back_with_their_shares():
    painted = np.array([[200, 30, 40], [20, 60, 180], [240, 230, 60]], np.uint8)
    images = np.repeat(painted[[0, 0, 0, 0, 1, 1, 1, 2]], 16, axis=0)[None, :, None].repeat(128, axis=2)
    found = dominant_colours(images, k=3)
    assert np.abs(found.colours.astype(int) - painted).max() <= 4
    np.testing.assert_allclose(found.shares, [0.5, 0.375, 0.125], atol=0.01)


def test_the_palette_of_a_film_in_pieces_is_that_of_the_whole():
    images = np.stack([carpet(k, 64) for k in range(6)])
    whole, pieces = ColourCells(), ColourCells()
    whole.add(lab_bytes(images))
    for part in (images[:1], images[1:4], images[4:]):
        pieces.add(lab_bytes(part))
    np.testing.assert_array_equal(whole.palette(4).colours, pieces.palette(4).colours)


def test_planted_palettes_are_found_within_six_units(clean_clips):
    """The world's own measure is another one: k-means of RGB, before grain and codec."""
    errors = []
    for images, truth in clean_clips:
        planted = lab_units(lab_bytes(truth["palette"][None, None]))[0, 0]
        apart = np.linalg.norm(planted[:, None] - dominant_colours(images).lab[None], axis=2)
        errors.append(apart[linear_sum_assignment(apart)].mean())
    assert np.median(errors) < 6.0 and np.mean(np.array(errors) < 10.0) > 0.9


def test_a_found_palette_is_nearest_to_its_own_clips_planted_one(clean_clips):
    """Retrieval: of all planted palettes; clips that are copies of each other share theirs."""
    found = [dominant_colours(images).lab for images, _ in clean_clips]
    planted = [lab_units(lab_bytes(truth["palette"][None, None]))[0, 0] for _, truth in clean_clips]
    table = np.linalg.norm(np.array(found)[:, None, :, None] - np.array(planted)[None, :, None, :], axis=4)
    away = np.array([[one[linear_sum_assignment(one)].mean() for one in row] for row in table])
    assert (away.diagonal() <= away.min(axis=1) + 1e-6).mean() > 0.8


def test_reduction_never_mixes_two_frames():
    images = np.stack([np.full((10, 10, 3), v, np.uint8) for v in (0, 255)])
    small = reduced(images, 4)
    assert small.shape == (2, 2, 2, 3) and set(np.unique(small[0])) == {0} and set(np.unique(small[1])) == {255}


def test_a_palette_of_fewer_colours_than_asked_has_empty_ones():
    found = dominant_colours(plain([10, 200, 90]), k=3)
    assert found.shares[0] == 1.0 and found.shares[1:].sum() == 0.0


def test_bad_input_is_refused_in_words():
    with pytest.raises(ValueError, match="uint8"):
        lab_bytes(np.zeros((2, 4, 4, 3)))
    with pytest.raises(ValueError, match="no pixels"):
        dominant_colours(np.zeros((0, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="1 or more"):
        dominant_colours(plain([1, 2, 3]), k=0)
