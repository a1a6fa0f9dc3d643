from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest
from scipy import fft
from scipy.signal import resample_poly

from avrec_lib.media import Sound, read_frames, read_sound, write_clip
from avrec_lib.prepare.examination import examine
from avrec_lib.prepare.fingerprints import (
    SOUND_WORDS_PER_SECOND,
    Fingerprint,
    Fingerprints,
    Track,
    Tracks,
    picture_hash,
    picture_track,
    sound_fingerprint,
)

RATE = 22_050


def scene(seed, side=128):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def tune(seed, seconds=6.0):
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    notes = 220.0 * 2.0 ** (rng.integers(0, 36, (3, int(4 * seconds) + 1)) / 12.0)
    pitch = np.repeat(notes, RATE // 4 + 1, axis=1)[:, : len(t)]
    waves = np.sin(2 * np.pi * np.cumsum(pitch, axis=1) / RATE).sum(axis=0)
    return (0.15 * waves + 0.01 * rng.normal(size=len(t))).astype(np.float32)


def differing(one, other):
    n = min(len(one), len(other))
    return np.bitwise_count(one.words[:n] ^ other.words[:n]).mean() / (8 * one.words.itemsize)


def test_picture_hash_equals_the_definition_by_another_route():
    # Area mean to 32 x 32 by OpenCV, the whole cosine transform by SciPy, and then the corner without row and column 0.
    for seed in range(20):
        image = scene(seed)
        grey = image.astype(np.float64) @ [0.299, 0.587, 0.114]
        spectrum = fft.dctn(cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA))[1:9, 1:9].ravel()
        bits = "".join("1" if value > np.median(spectrum) else "0" for value in spectrum)
        assert int(bits, 2) == int(picture_hash(image))


def test_picture_hash_averages_areas_of_any_size():
    image = scene(3, side=320)
    assert picture_hash(image) == picture_hash(cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA)) or (
        np.bitwise_count(picture_hash(image) ^ picture_hash(scene(3, side=160))) <= 2
    )
    odd = cv2.resize(image, (211, 97), interpolation=cv2.INTER_AREA)
    assert np.bitwise_count(picture_hash(image) ^ picture_hash(odd)) <= 6


def test_strangers_differ_in_half_of_the_bits_and_darker_pictures_in_few():
    images = np.stack([scene(seed) for seed in range(60)])
    words = picture_track(images).words
    apart = np.bitwise_count(words[:, None] ^ words[None])[np.triu_indices(60, 1)]
    assert 28 < apart.mean() < 36
    assert apart.min() > 10
    dark = picture_track((images * 0.4).astype(np.uint8)).words
    assert np.bitwise_count(words ^ dark).max() <= 4


def test_black_and_plain_pictures_say_nothing():
    images = np.stack([np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 180, np.uint8), scene(1, 64)])
    assert picture_track(images).valid.tolist() == [False, False, True]


def test_pictures_of_a_wrong_kind_are_refused():
    with pytest.raises(ValueError, match=r"uint8 \(t, height, width, 3\), not float64"):
        picture_track(np.zeros((2, 8, 8, 3)))
    with pytest.raises(ValueError, match="not uint8"):
        picture_hash(np.zeros((8, 8), np.uint8))


def test_hashes_of_a_file_are_those_of_its_pictures(tmp_path):
    frames = np.repeat(np.stack([scene(1), scene(2)]), 12, axis=0)
    path = write_clip(tmp_path / "two.mp4", frames=frames, fps=12, crf=18)
    words = examine(path).fingerprint.picture.words
    assert words.dtype == np.uint64
    assert len(words) == 4
    want = picture_track(read_frames(path, fps=2.0).images).words
    assert np.bitwise_count(words ^ want).max() <= 4
    assert np.bitwise_count(words[1] ^ words[2]) > 10


def test_sound_words_equal_the_definition_window_by_window():
    sound = Sound(tune(5, 2.0)[::4], 11_025 // 2)  # close to the rate inside: resampling changes next to nothing
    track = sound_fingerprint(sound)
    exact = 5512.5
    edges = np.rint(np.geomspace(300, 2000, 34) * 2048 / exact).astype(int)
    ratio = Fraction(11_025, 2) / (11_025 // 2)
    slow = resample_poly(sound.samples, ratio.numerator, ratio.denominator)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    energy = []
    for start in range(0, len(slow) - 2047, 64):
        power = np.abs(np.fft.rfft(slow[start : start + 2048] * window)) ** 2
        energy.append([power[low:high].sum() for low, high in pairwise(edges)])
    assert len(track) == len(energy) - 1
    wrong = 0
    for t in range(1, len(energy)):
        now, before = energy[t], energy[t - 1]
        bits = ["1" if now[b] - now[b + 1] - (before[b] - before[b + 1]) > 0 else "0" for b in range(32)]
        wrong += int(np.bitwise_count(np.uint32(int("".join(bits), 2)) ^ track.words[t - 1]))
    assert wrong / (32 * len(track)) < 0.01  # float32 against float64


def test_sound_survives_encoding_and_fading_and_strangers_do_not_match(tmp_path):
    samples = tune(1)
    original = sound_fingerprint(Sound(samples, RATE))
    path = write_clip(tmp_path / "low.m4a", sound=samples, sample_rate=RATE, bit_rate=32_000)
    assert differing(original, sound_fingerprint(read_sound(path))) < 0.12
    faded = samples * np.linspace(1.0, 0.2, len(samples), dtype=np.float32)
    assert differing(original, sound_fingerprint(Sound(faded, RATE))) < 0.12
    for seed in range(2, 8):
        assert 0.4 < differing(original, sound_fingerprint(Sound(tune(seed), RATE))) < 0.6


def test_silence_has_no_valid_words_and_a_moment_of_sound_none_at_all():
    track = sound_fingerprint(Sound(np.zeros(3 * RATE, np.float32), RATE))
    assert len(track) == pytest.approx(3 * SOUND_WORDS_PER_SECOND, abs=35)
    assert not track.valid.any()
    assert len(sound_fingerprint(Sound(np.ones(100, np.float32), RATE))) == 0
    with pytest.raises(ValueError, match="must be mono"):
        sound_fingerprint(Sound(np.zeros((2, RATE), np.float32), RATE))


def test_long_sound_gives_the_same_words_as_its_parts_alone():
    samples = tune(9, 40.0)  # more windows than are transformed at once
    track, start = sound_fingerprint(Sound(samples, RATE)), 30 * RATE
    part = sound_fingerprint(Sound(samples[start:], RATE))
    shift = start / RATE * SOUND_WORDS_PER_SECOND
    assert shift == pytest.approx(round(shift), abs=0.5)
    apart = np.bitwise_count(track.words[round(shift) : round(shift) + 600] ^ part.words[:600]).mean() / 32
    assert apart < 0.1


def test_fingerprints_come_back_from_disk_as_they_were(tmp_path):
    none = Track(np.empty(0, np.uint32), np.empty(0, bool))
    one = Fingerprint(picture_track(scene(1)[None]), sound_fingerprint(Sound(tune(1, 1.0), RATE)))
    two = Fingerprint(Track(np.empty(0, np.uint64), np.empty(0, bool)), none)
    both = Fingerprints.of(["c1", "c2"], [one, two])
    both.save(tmp_path / "kept.npz")
    again = Fingerprints.load(tmp_path / "kept.npz")
    assert again.ids.tolist() == ["c1", "c2"]
    for name in ("picture", "sound"):
        for part in ("words", "valid", "offsets"):
            kept, was = getattr(getattr(again, name), part), getattr(getattr(both, name), part)
            np.testing.assert_array_equal(kept, was)
            assert kept.dtype == was.dtype


def test_fingerprints_that_do_not_fit_together_are_refused():
    empty = Fingerprints.of([], [])
    assert len(empty) == 0
    with pytest.raises(ValueError, match="1 clips, 0 picture"):
        Fingerprints(np.array(["c1"]), empty.picture, empty.sound)
    with pytest.raises(ValueError, match="rise from 0 to the number of words"):
        Tracks(np.zeros(3, np.uint32), np.ones(3, bool), np.array([0, 2]))
    with pytest.raises(ValueError, match="words and valid"):
        Track(np.zeros(3, np.uint32), np.ones(2, bool))
