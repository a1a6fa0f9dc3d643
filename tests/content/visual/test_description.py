import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.collect.datasets import load_dataset
from avrec_lib.content.extraction import extract
from avrec_lib.content.extractors import MOTION, PICTURE
from avrec_lib.content.features import NoFeaturesError
from avrec_lib.content.visual import (
    LOOK_FEATURES,
    MOTION_FEATURES,
    colour,
    colour_histogram,
    colour_moments,
    describe_look,
    describe_look_file,
    describe_motion,
    describe_motion_file,
    description,
    dominant_colours,
    frame_features,
    gabor_energies,
    glcm_statistics,
    grey_bytes,
    lab_bytes,
    lab_units,
    lbp_histogram,
    mask_moments,
    oriented_gradients,
    sample_evenly,
    sampling,
    shape,
    silhouettes,
    texture,
)
from avrec_lib.media import MediaError, probe, read_frames, write_clip

from .conftest import carpet


def film(frames=60, seed=0, size=128):
    ground = carpet(seed)
    first = [ground[50 : 50 + size, 20 + 2 * k : 20 + 2 * k + size] for k in range(frames // 2)]
    ground = carpet(seed + 1)
    return np.stack(first + [ground[:size, k : k + size] for k in range(frames - frames // 2)])


@settings(max_examples=15, deadline=None)
@given(t=st.integers(1, 9), h=st.integers(8, 140), w=st.integers(8, 140), seed=st.integers(0, 99))
def test_any_size_and_number_of_frames_gives_finite_vectors_of_the_stated_size(t, h, w, seed):
    images = np.random.default_rng(seed).integers(0, 256, (t, h, w, 3), dtype=np.uint8)
    look = describe_look(images, 12.0)
    assert look.shape == (len(LOOK_FEATURES),) and look.dtype == np.float32 and np.isfinite(look).all()
    if t > 1:
        motion = describe_motion(images, 12.0)
        assert motion.shape == (len(MOTION_FEATURES),) and np.isfinite(motion).all()


@pytest.mark.parametrize("value", [0, 255])
def test_a_frame_of_one_colour_gives_finite_vectors(value):
    images = np.full((5, 128, 128, 3), value, np.uint8)
    assert np.isfinite(describe_look(images, 12.0)).all() and np.isfinite(describe_motion(images, 12.0)).all()


def test_names_are_unique_and_fit():
    assert len(set(LOOK_FEATURES)) == len(LOOK_FEATURES) and len(set(MOTION_FEATURES)) == len(MOTION_FEATURES)


def test_the_vector_of_a_film_in_pieces_is_that_of_the_whole(monkeypatch):
    images = film(200)
    wanted = describe_look(images, 12.0)
    monkeypatch.setattr(description, "_BATCH", 31)
    np.testing.assert_allclose(describe_look(images, 12.0), wanted, rtol=1e-4, atol=1e-4)


def test_motion_of_a_film_in_blocks_counts_every_pair_once(monkeypatch):
    ground = carpet(3)
    places = 20 + np.cumsum(np.arange(50) // 12)  # ever faster
    images = np.stack([ground[50:178, p : p + 128] for p in places])
    wanted = describe_motion(images, 12.0)
    monkeypatch.setattr(description, "_BLOCK", 20)
    np.testing.assert_allclose(describe_motion(images, 12.0), wanted, rtol=1e-4, atol=1e-5)


def test_entries_are_means_and_spreads_of_the_frames():
    images = film(30)
    each = frame_features(images[::3])
    found = dict(zip(LOOK_FEATURES, describe_look(images, 12.0), strict=True))
    column = description.FRAME_FEATURES.index("glcm-contrast")
    assert found["glcm-contrast"] == pytest.approx(each[:, column].mean(), rel=1e-4)
    assert found["glcm-contrast-over-time"] == pytest.approx(each[:, column].std(), rel=1e-3)
    assert found["cut-rate"] == pytest.approx(12.0 / 30)


def test_every_name_stands_at_its_own_value():
    """Each block by the function that makes it, of a film of two frames that differ in everything."""
    two = np.stack([carpet(1)[:128, :128], carpet(2)[100:228, 60:188] // 2])
    lab, grey = lab_bytes(two), grey_bytes(two)
    blocks = [
        (colour.COLOUR_BINS, colour_histogram(lab)),
        (shape.HOG_NAMES, oriented_gradients(grey)),
        ([f"{axis}-{what}" for what in ("mean", "deviation", "skew") for axis in "Lab"], colour_moments(lab)),
        (texture.LBP_NAMES, lbp_histogram(grey)),
        (texture.GLCM_NAMES, glcm_statistics(grey)),
        (texture.GABOR_NAMES, gabor_energies(grey)),
        (shape.MOMENT_NAMES, mask_moments(silhouettes(grey))),
    ]
    look = dict(zip(LOOK_FEATURES, describe_look(two, 12.0, every=1), strict=True))
    for names, values in blocks:
        for name, (first, second) in zip(names, values.T, strict=True):
            mean = (first + second) / 2
            wanted = np.sqrt(mean) if name in colour.COLOUR_BINS else mean
            assert look.pop(name) == pytest.approx(wanted, rel=1e-3, abs=1e-5), name
            if f"{name}-over-time" in look:
                spread = look.pop(f"{name}-over-time")
                assert spread == pytest.approx(abs(first - second) / 2, rel=1e-3, abs=1e-4), name
    palette = dominant_colours(two)
    rows = np.column_stack([palette.lab, palette.shares])[np.argsort(palette.lab[:, 0])]
    for k, row in enumerate(rows):
        for part, value in zip(("L", "a", "b", "share"), row, strict=True):
            assert look.pop(f"palette-{k}-{part}") == pytest.approx(value, rel=1e-3, abs=1e-3)
    light = look.pop("flicker")
    assert light == pytest.approx(np.log1p(np.abs(np.diff(colour_moments(lab)[:, 0]))[0] / 2), rel=0.02)
    assert look.pop("cut-rate") == 12.0 / 2 and look.pop("change-mean") == look.pop("change-spread") == 0.0
    assert not look


def test_change_is_the_planted_step_of_lightness_a_second():
    steady = np.broadcast_to((60 + 4 * np.arange(20, dtype=np.uint8))[:, None, None, None], (20, 128, 128, 3)).copy()
    jerky = steady[np.repeat(np.arange(0, 20, 2), 2)]
    for images in (steady, jerky):
        light = lab_units(lab_bytes(images))[:, 0, 0, 0]
        found = dict(zip(LOOK_FEATURES, describe_look(images, 12.0), strict=True))
        assert found["change-mean"] == pytest.approx(np.log1p(12 * np.diff(light).mean()), rel=0.02)
        assert found["change-spread"] == pytest.approx(np.log1p(12 * np.diff(light).std()), rel=0.02)
        assert found["cut-rate"] == 0.0


def test_a_file_gives_what_its_frames_give(tmp_path):
    path = tmp_path / "film.mp4"
    write_clip(path, frames=film(40), fps=12)
    images = read_frames(path, fps=12.0, size=128).images
    np.testing.assert_allclose(describe_look_file(path), describe_look(images, 12.0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(describe_motion_file(path), describe_motion(images, 12.0), rtol=1e-4, atol=1e-4)


def test_evenly_sampled_frames_cover_the_whole_file(tmp_path):
    path = tmp_path / "film.mp4"
    write_clip(path, frames=film(96), fps=12)
    for n in (1, 2, 5, 8):
        times = sample_evenly(path, n, size=32).times
        np.testing.assert_allclose(times, (np.arange(n) + 0.5) / n * 8.0, atol=8.0 / (8 * n) + 0.1)
    assert len(sample_evenly(path, 200, size=16)) == 200


def numbered(path, frames=96):
    """A film whose frames are ever brighter, and how bright each is."""
    light = np.arange(60, 60 + frames, dtype=np.uint8)
    write_clip(path, frames=np.broadcast_to(light[:, None, None, None], (frames, 64, 64, 3)).copy(), fps=12)
    return read_frames(path).images.mean(axis=(1, 2, 3))


def test_evenly_sampled_frames_are_those_on_display_in_the_middles(tmp_path):
    light = numbered(tmp_path / "film.mp4")
    found = sample_evenly(tmp_path / "film.mp4", 4)
    np.testing.assert_allclose(found.images.mean(axis=(1, 2, 3)), light[[12, 36, 60, 84]], atol=1.0)


@pytest.mark.parametrize("stated", [3.0, 20.0, float("nan")])
def test_a_header_that_lies_about_the_length_is_not_believed(tmp_path, monkeypatch, stated):
    path = tmp_path / "film.mp4"
    light = numbered(path)
    info = probe(path)
    lying = replace(info, video=(replace(info.video[0], duration_seconds=stated),))
    monkeypatch.setattr(sampling, "probe", lambda path: lying)
    found = sample_evenly(path, 4)
    np.testing.assert_allclose(found.images.mean(axis=(1, 2, 3)), light[[12, 36, 60, 84]], atol=1.0)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_of_a_few_frames_without_a_stated_length_each_stays_as_long_as_the_others(tmp_path, monkeypatch, frames):
    path = tmp_path / "film.mp4"
    light = numbered(path, frames)
    info = probe(path)
    monkeypatch.setattr(
        sampling, "probe", lambda path: replace(info, video=(replace(info.video[0], duration_seconds=float("nan")),))
    )
    found = sample_evenly(path, 2 * frames)
    np.testing.assert_allclose(found.images.mean(axis=(1, 2, 3)), np.repeat(light, 2), atol=0.4)


def test_sampling_holds_the_chosen_frames_alone(tmp_path):
    path = tmp_path / "film.mp4"
    write_clip(path, frames=np.repeat(film(12, size=256), 20, axis=0), fps=12)
    sample_evenly(path, 2)
    tracemalloc.start()
    sample_evenly(path, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 256 * 256 * 3


def test_real_videos_are_described_and_a_damaged_one_is_named(needs_dataset, tmp_path):
    files = load_dataset(needs_dataset("video-examples")).files
    wanted = {name: files[name] for name in ("nasa_13013.mp4", "car-detection.mp4", "corrupted.mp4")}
    for done in extract(wanted, [PICTURE, MOTION], progress=False, n_jobs=1, cache=tmp_path).values():
        assert done.features.present.tolist() == [True, True, False]
        assert done.problems["reason"].str.startswith("MediaError").all()
    with pytest.raises(MediaError):
        describe_look_file(wanted["corrupted.mp4"])


def test_the_second_picture_stream_of_a_file_can_be_sampled(needs_dataset):
    files = load_dataset(needs_dataset("video-examples")).files
    first, second = (sample_evenly(files["nasa_13013.mp4"], 3, size=64, stream=k) for k in (0, 1))
    assert first.images.shape == second.images.shape and not np.array_equal(first.images, second.images)


def test_bad_input_is_refused_in_words():
    with pytest.raises(NoFeaturesError, match="no frames"):
        describe_look(np.zeros((0, 128, 128, 3), np.uint8), 12.0)
    with pytest.raises(NoFeaturesError, match="two frames"):
        describe_motion(np.zeros((1, 128, 128, 3), np.uint8), 12.0)
    for images, fps in ((np.zeros((3, 32, 32, 3)), 12.0), (film(4), 0.0), (film(4)[..., 0], 12.0)):
        with pytest.raises(ValueError, match="uint8"):
            describe_look(images, fps)
    with pytest.raises(ValueError, match="at least 8"):
        describe_look(np.zeros((3, 4, 32, 3), np.uint8), 12.0)
    with pytest.raises(ValueError, match="every"):
        describe_look(film(4), 12.0, every=0)
