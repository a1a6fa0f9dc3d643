import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.content.features import NoFeaturesError
from avrec_lib.content.visual import PICTURE_FEATURES, describe_frames, describe_picture_file, thumbnail
from avrec_lib.media import write_clip


def feature(images, name, fps=4.0):
    return describe_frames(images, fps)[PICTURE_FEATURES.index(name)]


def plain(rgb, frames=8, size=32):
    return np.broadcast_to(np.array(rgb, np.uint8), (frames, size, size, 3)).copy()


def moving_blob(down, right, frames=10, size=64):
    y, x = np.mgrid[:size, :size]
    light = [
        30 + 150 * np.exp(-((y - 32 - down * (t - 5)) ** 2 + (x - 32 - right * (t - 5)) ** 2) / 200)
        for t in range(frames)
    ]
    return np.repeat(np.array(light)[..., None], 3, axis=3).astype(np.uint8)


@settings(max_examples=30, deadline=None)
@given(t=st.integers(1, 6), h=st.integers(8, 40), w=st.integers(8, 40), seed=st.integers(0, 99))
def test_any_size_and_number_of_frames_gives_a_finite_vector_of_the_stated_size(t, h, w, seed):
    images = np.random.default_rng(seed).integers(0, 256, (t, h, w, 3), dtype=np.uint8)
    vector = describe_frames(images, 4.0)
    assert vector.shape == (len(PICTURE_FEATURES),) and vector.dtype == np.float32
    assert np.isfinite(vector).all()


def test_colours_are_those_of_the_cie():
    # sRGB red is L* 53.2, a* 80.1, b* 67.2 (CIE 15, D65).
    assert feature(plain([255, 0, 0]), "L-11") == pytest.approx(53.2, abs=0.2)
    assert feature(plain([255, 0, 0]), "a-11") == pytest.approx(80.1, abs=0.3)
    assert feature(plain([255, 0, 0]), "b-11") == pytest.approx(67.2, abs=0.3)


def test_hues_tell_red_from_blue_and_grey_has_none():
    def hues(rgb):
        return np.array([feature(plain(rgb), f"hue-{i:02d}") for i in range(12)])

    assert hues([200, 30, 30]).argmax() != hues([30, 30, 200]).argmax()
    assert hues([130, 128, 128]).max() < 0.5 < hues([170, 100, 100]).max()


def test_layout_knows_top_from_bottom():
    images = plain([20, 20, 20])
    images[:, :10] = 240
    assert feature(images, "L-00") > 80 > 20 > feature(images, "L-20")


def test_turning_the_picture_turns_the_edges():
    stripes = plain([50, 50, 50], size=32)
    stripes[:, :, ::8] = 200
    turned = np.ascontiguousarray(stripes.transpose(0, 2, 1, 3))
    assert feature(stripes, "edges-toward-0") > 0.8 > 0.2 > feature(stripes, "edges-toward-90")
    assert feature(turned, "edges-toward-90") > 0.8 > 0.2 > feature(turned, "edges-toward-0")


def test_a_still_picture_does_not_move_and_a_faster_one_moves_more():
    still, slow, fast = (moving_blob(0, step) for step in (0, 1, 3))
    motion = [feature(images, "motion-mean") for images in (still, slow, fast)]
    assert motion[0] == 0.0 and motion[0] < motion[1] < motion[2]


@pytest.mark.parametrize(("down", "right"), [(1.0, 0.0), (0.0, 1.5), (-1.0, 0.5)])
def test_drift_is_the_motion_in_pixels_a_second(down, right):
    images = moving_blob(down, right)
    assert feature(images, "drift-down", 4.0) == pytest.approx(4.0 * down, abs=0.4)
    assert feature(images, "drift-right", 4.0) == pytest.approx(4.0 * right, abs=0.4)


def test_cuts_are_counted_and_are_not_motion():
    scenes = np.concatenate([plain([200, 40, 40], 8), plain([40, 40, 200], 8), plain([230, 230, 60], 8)])
    assert feature(scenes, "cut-rate") == pytest.approx(2 * 4.0 / 24)
    assert feature(scenes, "motion-mean") == 0.0


def test_specks_tell_snow_from_a_gradient():
    rng = np.random.default_rng(0)
    sky = np.repeat(np.linspace(40, 120, 64).astype(np.uint8)[:, None], 64, axis=1)
    sky = np.repeat(np.broadcast_to(sky, (6, 64, 64))[..., None], 3, axis=3).copy()
    snow = sky.copy()
    snow[rng.random(snow.shape[:3]) < 0.03] = 250
    assert feature(snow, "specks") > 3 * feature(sky, "specks")


def test_a_smaller_copy_of_a_smooth_picture_has_nearly_the_same_colours():
    images = moving_blob(0, 1)
    images[..., 1] //= 2
    small = np.stack([cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA) for image in images])
    colour = np.array([not name.startswith(("edges", "specks", "motion", "drift")) for name in PICTURE_FEATURES])
    a, b = describe_frames(images, 4.0)[colour], describe_frames(small, 4.0)[colour]
    np.testing.assert_allclose(a, b, atol=1.5)


def test_bad_input_is_refused_in_words():
    with pytest.raises(NoFeaturesError, match="no frames"):
        describe_frames(np.zeros((0, 32, 32, 3), np.uint8), 4.0)
    with pytest.raises(ValueError, match="uint8"):
        describe_frames(np.zeros((3, 32, 32, 3), np.float32), 4.0)
    with pytest.raises(ValueError, match="uint8"):
        describe_frames(np.zeros((32, 32, 3), np.uint8), 4.0)
    with pytest.raises(ValueError, match="at least 8"):
        describe_frames(np.zeros((3, 4, 32, 3), np.uint8), 4.0)


def test_a_film_in_pieces_is_described_as_the_whole(monkeypatch):
    rng = np.random.default_rng(0)
    scenes = [moving_blob(1, 0.5, 20), moving_blob(-2, 1, 25), 255 - moving_blob(0, 2, 30)]
    images = np.concatenate(scenes) + rng.integers(0, 9, (75, 64, 64, 3), dtype=np.uint8)
    wanted = describe_frames(images[:64], 4.0)
    monkeypatch.setattr(thumbnail, "_BATCH", 7)
    np.testing.assert_allclose(describe_frames(images[:64], 4.0), wanted, rtol=1e-4, atol=1e-4)


def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path):
    def most(frames):
        path = tmp_path / f"{frames}.mp4"
        write_clip(path, frames=np.tile(moving_blob(1, 1, 8), (frames // 8, 1, 1, 1)), fps=4)
        describe_picture_file(path)
        tracemalloc.start()
        describe_picture_file(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert most(960) < 1.2 * most(160)
