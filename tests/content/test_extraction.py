import numpy as np
import pytest

from avrec_lib.content import audio, visual
from avrec_lib.content.audio import describe_sound_file
from avrec_lib.content.extraction import extract
from avrec_lib.content.features import NoFeaturesError
from avrec_lib.content.visual import describe_picture_file
from avrec_lib.media import read_frames, read_sound, write_clip

RATE = 22_050


def beep(hertz=440.0, seconds=1.0):
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def picture(seed=0, frames=12):
    base = np.random.default_rng(seed).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    return np.repeat(base.repeat(8, axis=1).repeat(8, axis=2), frames, axis=0)


@pytest.fixture
def paths(tmp_path):
    names = ["whole", "mute", "dark", "silent", "torn", "words", "gone", "last"]
    paths = {name: tmp_path / f"{name}.mp4" for name in names}
    write_clip(paths["whole"], frames=picture(), sound=beep())
    write_clip(paths["mute"], frames=picture(1))
    write_clip(paths["dark"], sound=beep(220.0))
    write_clip(paths["silent"], frames=picture(2), sound=np.zeros(RATE, np.float32))
    write_clip(paths["last"], frames=picture(3), sound=beep(880.0))
    paths["torn"].write_bytes(paths["whole"].read_bytes()[:300])
    paths["words"].write_text("this is not a film")
    return paths


def test_damaged_and_missing_are_absent_with_a_reason_and_the_rest_is_described(paths, tmp_path):
    sound = extract(paths, describe_sound_file, name="sound", progress=False, cache=tmp_path / "cache")
    assert sound.features.ids.tolist() == list(paths)
    assert sound.features.ids[sound.features.present].tolist() == ["whole", "dark", "last"]
    assert sound.problems["clip_id"].tolist() == ["mute", "silent", "torn", "words", "gone"]
    assert (sound.problems["reason"].str.len() > 10).all()
    assert "silent" in sound.problems.set_index("clip_id").loc["silent", "reason"]
    seen = extract(paths, describe_picture_file, name="picture", progress=False, cache=tmp_path / "cache", n_jobs=1)
    assert seen.features.ids[seen.features.present].tolist() == ["whole", "mute", "silent", "last"]
    alone = extract(paths, describe_sound_file, name="sound", progress=False, cache=tmp_path / "other", n_jobs=1)
    np.testing.assert_array_equal(alone.features.matrix, sound.features.matrix)  # two processes, the same bytes


def test_rows_are_what_reading_and_describing_by_hand_gives(paths, tmp_path):
    wanted = {name: paths[name] for name in ("last", "whole")}
    sound = extract(wanted, describe_sound_file, name="sound", progress=False, cache=tmp_path / "cache", n_jobs=1)
    heard = read_sound(paths["last"], sample_rate=RATE)
    np.testing.assert_allclose(
        sound.features.matrix[0], audio.describe_sound(heard.samples, RATE), rtol=1e-3, atol=1e-3
    )
    seen = extract(wanted, describe_picture_file, name="picture", progress=False, cache=tmp_path / "cache", n_jobs=1)
    frames = read_frames(paths["whole"], fps=4.0, size=64)
    np.testing.assert_allclose(seen.features.matrix[1], visual.describe_frames(frames.images, 4.0), rtol=1e-5)


def test_a_second_call_decodes_nothing_and_a_changed_file_is_read_anew(paths, tmp_path, monkeypatch):
    wanted = {"whole": paths["whole"]}
    arguments = {"name": "sound", "progress": False, "cache": tmp_path / "cache", "n_jobs": 1}
    first = extract(wanted, describe_sound_file, **arguments)
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 1
    monkeypatch.setattr(audio.sketch, "read_sound", lambda *_, **__: pytest.fail("the file was decoded again"))
    second = extract(wanted, describe_sound_file, **arguments)
    np.testing.assert_array_equal(first.features.matrix, second.features.matrix)
    monkeypatch.undo()
    wanted["whole"].write_bytes(paths["last"].read_bytes())
    third = extract(wanted, describe_sound_file, **arguments)
    assert not np.array_equal(first.features.matrix, third.features.matrix)


def test_a_torn_cache_entry_is_made_again(paths, tmp_path):
    wanted = {"whole": paths["whole"]}
    arguments = {"name": "sound", "progress": False, "cache": tmp_path / "cache", "n_jobs": 1}
    first = extract(wanted, describe_sound_file, **arguments)
    entry = next((tmp_path / "cache").rglob("*.npy"))
    entry.write_bytes(entry.read_bytes()[:40])
    np.testing.assert_array_equal(
        extract(wanted, describe_sound_file, **arguments).features.matrix, first.features.matrix
    )


def _wrong(path):
    if path.stem == "last":
        raise ValueError("a mistake in the extractor")
    return np.zeros(3)


def _none(path):
    raise NoFeaturesError("nothing")


def test_a_mistake_in_the_extractor_is_not_taken_for_a_damaged_file(paths, tmp_path):
    with pytest.raises(ValueError, match="mistake"):
        extract(paths, _wrong, name="sound", progress=False, cache=tmp_path / "cache", n_jobs=1)


def test_when_no_file_works_the_fault_is_elsewhere(paths, tmp_path):
    with pytest.raises(ValueError, match="none of 8 files"):
        extract(paths, _none, name="sound", progress=False, cache=tmp_path / "cache", n_jobs=1)
    with pytest.raises(ValueError, match="no file"):
        extract({}, describe_sound_file, name="sound", cache=tmp_path / "cache")
