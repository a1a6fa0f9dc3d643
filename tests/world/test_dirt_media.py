"""What the truth table says was planted is what the files and the texts hold."""

import re

import av
import cv2
import numpy as np
import pandas as pd
import pytest

from avrec_lib.media import MediaError, MissingStreamError, probe, read_frames, read_sound
from avrec_lib.world import World
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.copies import shift_pitch
from avrec_lib.world.dirt_media import (
    COPY_FORMS,
    FILE_FAULTS,
    TEXT_FAULTS,
    copy_text,
    plan_media,
    read_detail,
    soil_text,
)
from avrec_lib.world.text import topic_tags, write_text


def planted(world: World, kind: str) -> list[tuple[str, dict[str, str]]]:
    dirt = world.truth.dirt
    rows = dirt[dirt["kind"] == kind]
    assert len(rows), f"no {kind} was planted"
    return [(clip, read_detail(detail)) for clip, detail in zip(rows["id"], rows["detail"], strict=True)]


def sound_likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlate two sounds at the best of a few delays."""
    n = min(a.size, b.size) - 4000
    return max(float(np.corrcoef(a[2000 : 2000 + n], b[2000 + d : 2000 + d + n])[0, 1]) for d in range(-1200, 1201, 8))


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Correlate pictures."""
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def framed(frames: np.ndarray, keep: float) -> np.ndarray:
    """Blow up the middle of pictures."""
    edge = round(64 * (1 - keep))
    inner = frames[:, edge : 128 - edge, edge : 128 - edge] if edge else frames
    return np.stack([cv2.resize(frame, (128, 128)) for frame in inner])


# --- the plan ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("clips", "least", "most"), [(60, 1, 4), (480, 5, 12)])
def test_every_kind_occurs_as_often_as_promised(clips, least, most):
    for seed in range(5):
        counts = plan_media(sample_catalogue(clips, seed=seed), seed=seed).dirt["kind"].value_counts()
        assert set(counts.index) == {"near-duplicate", *FILE_FAULTS, *TEXT_FAULTS}
        assert counts.between(least, most).all(), counts


def test_few_clips_carry_two_kinds_and_no_file_two_faults():
    dirt = plan_media(sample_catalogue(480, seed=1), seed=1).dirt
    assert dirt["id"].duplicated().sum() <= 4
    files = dirt[dirt["table"] == "media"]
    originals = dirt.loc[dirt["kind"] == "near-duplicate", "detail"].map(lambda detail: read_detail(detail)["original"])
    assert not files["id"].duplicated().any()
    assert not set(files["id"]) & ({*originals} | set(dirt.loc[dirt["kind"] == "near-duplicate", "id"]))


def test_same_seed_same_plan_and_another_seed_another():
    catalogue = sample_catalogue(60, seed=1)
    first, again, other = (plan_media(catalogue, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first.dirt, again.dirt)
    pd.testing.assert_frame_equal(first.catalogue, again.catalogue)
    assert set(first.dirt["id"]) != set(other.dirt["id"])


def test_copies_are_of_their_original_later_and_not_told_by_their_number():
    plan = plan_media(sample_catalogue(480, seed=4), seed=4)
    rows = np.flatnonzero(plan.original >= 0)
    copies, originals = plan.catalogue.iloc[rows], plan.catalogue.iloc[plan.original[rows]]
    for column in ("topic", "instrument", "setting", "valence", "seed", "duration_seconds"):
        assert (copies[column].to_numpy() == originals[column].to_numpy()).all()
    assert (copies["release_day"].to_numpy() > originals["release_day"].to_numpy()).all()
    assert copies["release_day"].max() < 42
    assert plan.catalogue["clip_id"].is_unique and rows.min() < 240  # not all at the end
    named = {
        clip: read_detail(detail)["original"]
        for clip, detail in zip(plan.dirt["id"], plan.dirt["detail"], strict=True)
        if "original" in detail
    }
    assert named == dict(zip(copies["clip_id"], originals["clip_id"], strict=True))


def test_too_few_clips_are_refused():
    with pytest.raises(ValueError, match="11 clips are too few"):
        plan_media(sample_catalogue(11, seed=0), seed=0)


# --- the texts --------------------------------------------------------------------------------


def test_text_faults_are_where_the_truth_says_and_nowhere_else():
    plan = plan_media(sample_catalogue(480, seed=2), seed=2)
    ids = plan.catalogue["clip_id"]
    clean = copy_text(write_text(plan.catalogue[plan.original < 0], seed=2), plan.original, seed=2)
    soiled = soil_text(clean, ids, plan.dirt)
    where = {kind: set(plan.dirt.loc[plan.dirt["kind"] == kind, "id"]) for kind in TEXT_FAULTS}
    assert set(ids[soiled["description"].isna()]) == where["missing-description"]
    assert set(ids[soiled["tags"] != clean["tags"]]) == where["wrong-tags"]
    assert set(ids[soiled["title"] != clean["title"]]) == where["html-title"]
    assert set(ids[soiled["title"].str.contains(r"<\w+|&\w+;", regex=True)]) == where["html-title"]
    assert soiled["title"].str.contains("onerror").any()
    for clip, detail in plan.dirt.loc[plan.dirt["kind"] == "wrong-tags", ["id", "detail"]].itertuples(index=False):
        row = ids[ids == clip].index[0]
        assert not set(soiled.loc[row, "tags"].split("|")) & set(topic_tags(plan.catalogue.loc[row, "topic"])), detail


def test_a_copy_has_nearly_the_title_of_its_original():
    plan = plan_media(sample_catalogue(60, seed=2), seed=2)
    text = copy_text(write_text(plan.catalogue[plan.original < 0], seed=2), plan.original, seed=2)
    for copy in np.flatnonzero(plan.original >= 0):
        original = text["title"][plan.original[copy]]
        assert original in text["title"][copy] and original != text["title"][copy]


# --- the files --------------------------------------------------------------------------------


def test_clips_without_a_fault_read_whole(tiny_world):
    bad = set(tiny_world.truth.dirt.query("table == 'media'")["id"])
    clips = tiny_world.clips[~tiny_world.clips["clip_id"].isin(bad)]
    for clip, duration in zip(clips["clip_id"], clips["duration_seconds"], strict=True):
        frames, sound = read_frames(tiny_world.media(clip)), read_sound(tiny_world.media(clip))
        assert frames.images.shape == (round(duration * 12), 128, 128, 3)
        assert abs(sound.samples.shape[-1] - duration * 22050) <= 2048
        assert np.abs(sound.samples).max() > 0.05


def test_a_truncated_file_fails_to_decode(tiny_world):
    for clip, _ in planted(tiny_world, "truncated"):
        with pytest.raises(MediaError):
            read_frames(tiny_world.media(clip))


def test_silent_sound_is_there_and_silent(tiny_world):
    for clip, _ in planted(tiny_world, "silent-sound"):
        sound = read_sound(tiny_world.media(clip))
        assert sound.samples.shape[-1] > 5 * 22050 - 2048 and np.abs(sound.samples).max() < 1e-4
        assert len(read_frames(tiny_world.media(clip))) >= 60


@pytest.mark.parametrize(
    ("kind", "missing", "there"),
    [("missing-sound", read_sound, read_frames), ("missing-picture", read_frames, read_sound)],
)
def test_a_missing_stream_is_missing_and_the_other_is_not(tiny_world, kind, missing, there):
    for clip, _ in planted(tiny_world, kind):
        with pytest.raises(MissingStreamError):
            missing(tiny_world.media(clip))
        there(tiny_world.media(clip))


def test_a_wrong_extension_differs_from_the_container(tiny_world):
    for clip, about in planted(tiny_world, "wrong-extension"):
        path = tiny_world.media(clip)
        assert path.suffix == f".{about['named']}"
        with av.open(str(path)) as container:
            names = container.format.name
        assert ("matroska" in names) == (about["holds"] == "mkv") and ("mp4" in names) == (about["holds"] == "mp4")
        assert probe(path).video and len(read_frames(path))


@pytest.mark.parametrize("form", COPY_FORMS)
def test_a_near_duplicate_resembles_its_original_and_is_not_it(tiny_world, form):
    pairs = [(clip, about) for clip, about in planted(tiny_world, "near-duplicate") if about["form"] == form]
    assert pairs
    for clip, about in pairs:
        ours, theirs = tiny_world.media(clip), tiny_world.media(about["original"])
        assert ours.read_bytes() != theirs.read_bytes()
        a, b = read_frames(ours).images, read_frames(theirs).images
        assert a.shape == b.shape
        middle = slice(len(a) // 3, 2 * len(a) // 3)
        assert similarity(a[middle], framed(b[middle], float(about.get("keep", 1.0)))) > 0.97
        if form == "cropped":
            assert similarity(a[middle], b[middle]) < similarity(a[middle], framed(b[middle], float(about["keep"])))
        x, y = read_sound(ours).samples, read_sound(theirs).samples
        assert (sound_likeness(x, y) > 0.85) == (form != "pitch-shifted")


def test_a_faded_copy_starts_and_ends_dark_and_quiet(tiny_world):
    clip = next(clip for clip, about in planted(tiny_world, "near-duplicate") if about["form"] == "faded")
    frames, sound = read_frames(tiny_world.media(clip)), read_sound(tiny_world.media(clip))
    brightness = frames.images.mean(axis=(1, 2, 3))
    assert brightness[0] < 0.3 * brightness.max() and brightness[-1] < 0.3 * brightness.max()
    assert np.abs(sound.samples[:1000]).max() < 0.2 * np.abs(sound.samples).max()


def test_the_truth_of_a_shifted_copy_is_shifted(tiny_world):
    truth = tiny_world.truth.clips
    for clip, about in planted(tiny_world, "near-duplicate"):
        ratio = np.nanmedian(truth["f0_hz"][clip] / truth["f0_hz"][about["original"]])
        assert ratio == pytest.approx(2 ** (float(about.get("semitones", 0)) / 12), rel=1e-3)
        assert (truth["key"][clip] != truth["key"][about["original"]]) == ("semitones" in about)


@pytest.mark.parametrize("semitones", [-2.0, -1.0, 1.0, 2.0])
def test_a_shift_moves_the_pitch_and_keeps_the_length(semitones):
    time = np.arange(3 * 22050) / 22050
    tone = (0.5 * np.sin(2 * np.pi * 440.0 * time) * (1 + 0.5 * np.sin(2 * np.pi * 3 * time))).astype(np.float32)
    shifted = shift_pitch(tone, semitones)
    assert shifted.shape == tone.shape and shifted.dtype == np.float32
    peak = np.abs(np.fft.rfft(shifted * np.hanning(shifted.size))).argmax() / 3
    assert peak == pytest.approx(440.0 * 2 ** (semitones / 12), rel=0.006)
    assert np.sqrt((shifted**2).mean()) == pytest.approx(np.sqrt((tone**2).mean()), rel=0.15)
    assert np.abs(shifted[-11025:]).max() > 0.3  # the end is not cut off


def test_a_shift_whose_last_step_reaches_the_end_by_rounding_keeps_the_length():
    assert shift_pitch(np.zeros(134_058, dtype=np.float32), -3.72).shape == (134_058,)


def test_details_are_pairs(tiny_world):
    for detail in tiny_world.truth.dirt["detail"]:
        assert detail == "" or re.fullmatch(r"[a-z_]+=[^;]+(; [a-z_]+=[^;]+)*", detail), detail
