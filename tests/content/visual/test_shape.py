import cv2
import numpy as np
import pytest
from skimage.feature import hog
from skimage.filters import threshold_otsu

from avrec_lib.content.visual import grey_bytes, mask_moments, oriented_gradients, silhouettes
from avrec_lib.content.visual.shape import HOG_NAMES, MOMENT_NAMES

from .conftest import carpet


def drawn(turn=0.0, size=1.0, right=0.0, down=0.0, side=256):
    """A letter L as a mask, moved, turned and grown."""
    corners = np.array([(-30, -50), (-8, -50), (-8, 30), (30, 30), (30, 50), (-30, 50)]) * size
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    places = corners @ np.array([[c, s], [-s, c]]) + [side / 2 + right, side / 2 + down]
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [np.rint(places * 16).astype(np.int32)], 1, shift=4)
    return mask


def test_gradients_are_those_of_scikit_image():
    grey = grey_bytes(np.stack([carpet(k, 64) for k in range(3)]))
    for frame, row in zip(grey, oriented_gradients(grey), strict=True):
        theirs = hog(frame, 9, (16, 16), (1, 1), block_norm="L2-Hys")
        np.testing.assert_allclose(row, theirs, atol=1e-5)


def test_an_edge_is_found_in_its_cell_and_direction():
    frame = np.zeros((1, 64, 64), np.uint8)
    frame[:, :16, 8:] = 200  # a vertical edge in the cell at the upper left: the brightness varies to the right
    row = oriented_gradients(frame)[0]
    assert (
        row[:9].argmax() == 0 and row[HOG_NAMES.index("edge-00-0")] > 0.6 and row[HOG_NAMES.index("edge-22-0")] == 0.0
    )


def test_invariants_are_those_of_opencv():
    mask = drawn(20, 1.2, 10, -15)
    theirs = cv2.HuMoments(cv2.moments(mask, binaryImage=True)).ravel()
    ours = mask_moments(mask[None])[0, :7]
    np.testing.assert_allclose(ours, np.sign(theirs) * np.log10(1 + np.abs(theirs) / 1e-7), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("change", [{"turn": 37}, {"size": 0.6}, {"right": 40, "down": -30}, {"turn": 90, "size": 1.5}])
def test_moving_turning_and_growing_leave_the_first_four_invariants_within_two_hundredths(change):
    before, after = mask_moments(np.stack([drawn(), drawn(**change)]))
    np.testing.assert_allclose(before[:4], after[:4], rtol=0.02)


def test_other_shapes_have_other_invariants():
    round_ = np.zeros((256, 256), np.uint8)
    cv2.circle(round_, (128, 128), 40, 1, -1)
    letter, disc = mask_moments(np.stack([drawn(), round_]))
    assert np.abs(letter[:4] - disc[:4]).max() > 1.0


def test_place_size_and_lie_of_a_figure_are_read():
    mask = np.zeros((1, 128, 128), bool)
    mask[:, 20:30, 64:124] = True
    found = dict(zip(MOMENT_NAMES, mask_moments(mask)[0], strict=True))
    assert found["figure-share"] == pytest.approx(600 / 128**2, rel=1e-4)
    assert found["figure-down"] == pytest.approx((24.5 - 63.5) / 64, abs=1e-4)
    assert found["figure-right"] == pytest.approx((93.5 - 63.5) / 64, abs=1e-4)
    assert found["figure-lying"] > 0.9 and abs(found["figure-slanting"]) < 1e-3
    upright = dict(zip(MOMENT_NAMES, mask_moments(mask.transpose(0, 2, 1))[0], strict=True))
    assert upright["figure-lying"] < -0.9


def test_any_value_but_zero_is_the_figure():
    mask = drawn()[None]
    np.testing.assert_array_equal(mask_moments(mask), mask_moments(255 * mask))


def test_an_empty_mask_gives_zeros():
    assert not mask_moments(np.zeros((1, 16, 16), bool)).any()


def test_the_figure_is_what_touches_the_edge_less_whether_bright_or_dark():
    disc = np.zeros((128, 128), np.uint8)
    cv2.circle(disc, (60, 70), 25, 1, -1)
    noise = np.random.default_rng(0).integers(0, 30, disc.shape).astype(np.uint8)
    bright, dark = 40 + 150 * disc + noise, 190 - 150 * disc + noise
    for frame in (bright, dark):
        figure = silhouettes(frame[None])[0]
        assert (figure == disc).mean() > 0.999
        assert np.array_equal(figure, (frame > threshold_otsu(frame)) ^ bool(frame[0, 0] > 100))
    assert not silhouettes(np.full((1, 16, 16), 9, np.uint8)).any()
