import pickle
import struct
from dataclasses import replace

import msgspec
import numpy as np
import pandas as pd
import pytest

from avrec_lib.media import Limits, MediaError, read_sound, write_clip
from avrec_lib.prepare import damage, examination
from avrec_lib.prepare import facts as facts_module
from avrec_lib.prepare.damage import ISSUES, inspect_clips, inspect_media, quarantine
from avrec_lib.prepare.examination import examine, examine_clips

RATE = 22_050


def kinds(path):
    issues = inspect_media(path)
    assert all(issue.kind in ISSUES and issue.reason for issue in issues)
    return [issue.kind for issue in issues]


def moving(seconds=3):
    t, y, x = np.ogrid[: 12 * seconds, :64, :64]
    wave = 128 + 100 * np.sin((x + 2 * y) / 9 + t / 3)
    return np.repeat(wave[..., None], 3, axis=3).astype(np.uint8)


def hum(seconds=3):
    return 0.3 * np.sin(2 * np.pi * 440 * np.arange(seconds * RATE) / RATE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("whole") / "whole.mp4", frames=moving(), sound=hum())


def test_a_sound_file_has_no_issue(whole):
    assert kinds(whole) == []


def test_what_is_missing_or_empty_is_named(tmp_path):
    assert kinds(write_clip(tmp_path / "mute.mp4", frames=moving())) == ["no-sound"]
    assert kinds(write_clip(tmp_path / "dark.mp4", sound=hum())) == ["no-picture"]
    assert kinds(write_clip(tmp_path / "radio.mp3", sound=hum())) == []
    assert kinds(tmp_path / "nowhere.mp4") == ["absent"]
    assert kinds(tmp_path) == ["absent"]
    (tmp_path / "empty.mp4").write_bytes(b"")
    assert kinds(tmp_path / "empty.mp4") == ["empty"]
    (tmp_path / "words.mp4").write_text("this is no film")
    assert kinds(tmp_path / "words.mp4") == ["unreadable"]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_was_cut_is_truncated_wherever_it_was_cut(whole, tmp_path, share):
    content = whole.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(content[: round(share * len(content))])
    assert kinds(cut) == ["truncated"]
    assert "3.00 s" in inspect_media(cut)[0].reason


def test_the_torn_last_packet_of_a_cut_file_is_no_issue_of_its_own(whole, monkeypatch):
    seen = examine(whole)
    cut = {"picture_problem": "ends early", "picture_seconds": 1.0}
    torn = {"sound_problem": "cannot be decoded", "sound_seconds": 2.97}
    for changes, want in ((cut, "truncated"), (torn, "corrupt"), (torn | cut, "truncated")):
        facts = replace(seen.facts, **changes)
        monkeypatch.setattr(damage, "examine", lambda path, facts=facts: replace(seen, facts=facts))
        assert kinds(whole) == [want]


def test_damage_in_the_middle_is_not_taken_for_a_cut(whole, tmp_path):
    content = bytearray(whole.read_bytes())
    middle = len(content) * 2 // 3
    content[middle : middle + 200] = bytes(200)
    path = tmp_path / "hole.mp4"
    path.write_bytes(content)
    assert kinds(path) == ["corrupt"]


def test_silence_is_told_from_quiet_sound_and_a_still_from_a_slow_picture(tmp_path):
    silence, whisper = np.zeros(3 * RATE), 0.005 * hum() / 0.3
    assert kinds(write_clip(tmp_path / "silent.mp4", frames=moving(), sound=silence)) == ["silent"]
    assert kinds(write_clip(tmp_path / "quiet.mp4", frames=moving(), sound=whisper)) == []
    still = np.repeat(moving()[:1], 36, axis=0)
    assert kinds(write_clip(tmp_path / "still.mp4", frames=still, sound=hum())) == ["frozen"]
    black = np.zeros_like(still)
    assert kinds(write_clip(tmp_path / "black.mp4", frames=black, sound=hum())) == ["blank"]
    slow = still.copy()
    slow[18:, 20:40, 20:40] = 255  # one thing appears
    assert kinds(write_clip(tmp_path / "slow.mp4", frames=slow, sound=hum())) == []


def test_a_name_that_promises_another_format_is_noticed(whole, tmp_path):
    for name in ("clip.webm", "clip.mkv", "clip"):
        path = tmp_path / name
        path.write_bytes(whole.read_bytes())
        assert kinds(path) == ["wrong-container"]
    film = tmp_path / "film.mov"
    film.write_bytes(whole.read_bytes())
    assert kinds(film) == []
    named = write_clip(tmp_path / "film.mkv", frames=moving(), sound=hum()).rename(tmp_path / "film.mp4")
    assert kinds(named) == ["wrong-container"]


def test_quarantine_sets_the_unfit_aside_and_notes_the_rest(whole, tmp_path):
    paths = {"whole": whole, "mute": write_clip(tmp_path / "mute.mp4", frames=moving()), "cut": tmp_path / "cut.mp4"}
    paths["cut"].write_bytes(whole.read_bytes()[:-3000])
    clips = pd.DataFrame({"clip_id": ["cut", "whole", "mute"], "title": ["x", "y", "z"]}, index=[7, 8, 9])
    options = {"n_jobs": 1, "progress": False, "cache": tmp_path / "cache"}
    kept, report = quarantine(clips, paths, **options)
    assert kept["clip_id"].tolist() == ["whole", "mute"]
    assert kept.index.tolist() == [8, 9]
    assert report.removed.values.tolist() == [["cut", "truncated"]]
    assert report.changed.values.tolist() == [["mute", "no-sound, kept"]]
    assert (report.before, report.after) == (3, 2)
    kept, report = quarantine(clips, paths, unfit={"no-sound"}, **options)
    assert kept["clip_id"].tolist() == ["cut", "whole"]
    with pytest.raises(ValueError, match="no issue named 'sad'"):
        quarantine(clips, paths, unfit={"sad"}, **options)
    with pytest.raises(ValueError, match=r"1 clip\(s\) have no path, such as mute"):
        quarantine(clips, {"whole": whole, "cut": paths["cut"]}, **options)


def test_a_file_is_decoded_once_and_again_when_its_bytes_change(whole, tmp_path, monkeypatch):
    path, decoded = tmp_path / "clip.mp4", []
    path.write_bytes(whole.read_bytes())
    monkeypatch.setattr(examination, "examine", lambda path: decoded.append(path) or examine(path))
    options = {"n_jobs": 1, "progress": False, "cache": tmp_path / "cache"}
    first = examine_clips({"a": path}, **options)["a"]
    again = examine_clips({"b": path}, **options)["b"]
    assert len(decoded) == 1
    assert again.facts == first.facts
    np.testing.assert_array_equal(again.fingerprint.sound.words, first.fingerprint.sound.words)
    np.testing.assert_array_equal(again.fingerprint.picture.words, first.fingerprint.picture.words)
    path.write_bytes(whole.read_bytes()[:-2000])
    assert examine_clips({"a": path}, **options)["a"].facts != first.facts
    assert len(decoded) == 2


def spoiled(entry):
    """Return what somebody who can write to the cache might put in the place of an entry."""
    known = msgspec.msgpack.decode(entry)
    words = known["sound_words"]
    return {
        "torn": entry[: len(entry) // 2],
        "nothing": b"",
        "text for a number": msgspec.msgpack.encode(known | {"facts": known["facts"] | {"size_bytes": "big"}}),
        "a number for text": msgspec.msgpack.encode(known | {"facts": known["facts"] | {"container": 7}}),
        "half a word": msgspec.msgpack.encode(known | {"sound_words": words[:-1]}),
        "more words than marks": msgspec.msgpack.encode(known | {"sound_words": words + words}),
        "a list for words": msgspec.msgpack.encode(known | {"sound_words": [1, 2]}),
        "four gigabytes stated": b"\x85\xa5facts\xc6\xff\xff\xff\xff",
        "a deep nest": b"\x91" * 100_000,
        "a deep nest that is passed over": b"\x81\xa1x" + b"\x91" * 100_000,
        "pickle": pickle.dumps({"facts": known["facts"]}),
    }


@pytest.mark.timeout(60)
def test_an_entry_of_the_cache_that_is_not_one_is_made_anew(whole, tmp_path, monkeypatch):
    decoded = []
    monkeypatch.setattr(examination, "examine", lambda path: decoded.append(path) or examine(path))
    options = {"n_jobs": 1, "progress": False, "cache": tmp_path}
    first = examine_clips({"a": whole}, **options)["a"]
    (kept,) = tmp_path.rglob("*.msgpack")
    entry = kept.read_bytes()
    for number, (name, content) in enumerate(spoiled(entry).items(), start=2):
        kept.write_bytes(content)
        assert examine_clips({"a": whole}, **options)["a"].facts == first.facts, name
        assert len(decoded) == number, name
        assert kept.read_bytes() == entry, name
    with monkeypatch.context() as smaller:
        smaller.setattr(facts_module, "_LARGEST", len(entry) - 1)
        assert examine_clips({"a": whole}, **options)["a"].facts == first.facts
    number += 1
    assert len(decoded) == number
    kept.unlink()
    (tmp_path / "elsewhere").write_bytes(entry)
    kept.symlink_to(tmp_path / "elsewhere")
    examine_clips({"a": whole}, **options)
    assert len(decoded) == number + 1


def test_what_is_in_the_cache_starts_no_workers(whole, tmp_path, monkeypatch):
    options = {"cache": tmp_path / "cache", "n_jobs": 2, "progress": False}
    first = examine_clips({"a": whole, "b": whole}, **options)

    def started(*_: object, n_jobs: int, **__: object):
        assert n_jobs == 1
        return lambda jobs: iter(list(jobs))

    monkeypatch.setattr(examination.joblib, "Parallel", started)
    assert [one.facts for one in examine_clips({"a": whole, "b": whole}, **options).values()] == [
        one.facts for one in first.values()
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_sound_that_is_no_number_is_damage(tmp_path, value):
    path = tmp_path / "x.wav"
    samples = np.random.default_rng(0).normal(0, 0.1, 48_000).astype("<f4")
    samples[30_000] = value
    chunk = b"fmt " + struct.pack("<IHHIIHH", 16, 3, 1, 48_000, 192_000, 4, 32)
    body = chunk + b"data" + struct.pack("<I", samples.nbytes) + samples.tobytes()
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body)
    assert "corrupt" in {issue.kind for issue in inspect_media(path)}
    with pytest.raises(MediaError, match=r"x\.wav: holds samples that are no sound"):
        read_sound(path)
    assert np.isfinite(read_sound(path, sample_rate=16_000, errors="partial").samples).all()


def test_a_file_that_states_to_be_too_long_is_not_decoded(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "silence.flac", sound=np.zeros(601 * RATE, dtype=np.float32))
    assert path.stat().st_size < 100_000
    for reader in ("iter_frames", "read_sound"):
        monkeypatch.setattr(examination.media, reader, lambda *a, **k: pytest.fail("was decoded"))
    assert kinds(path) == ["too-long"]
    clips = pd.DataFrame({"clip_id": ["a"]})
    kept, report = quarantine(clips, {"a": path}, n_jobs=1, progress=False, cache=tmp_path)
    assert kept.empty
    assert report.removed["reason"].tolist() == ["too-long"]


def test_a_file_that_is_longer_than_it_states_is_decoded_no_further_than_a_clip_may_last(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "long.flac", sound=hum(20))
    content = bytearray(path.read_bytes())
    assert content[:4] == b"fLaC"
    content[21] &= 0xF0  # the lowest bits of byte 21 and the next four hold the number of samples; 0 is unknown
    content[22:26] = bytes(4)
    path.write_bytes(content)
    for module in (damage, examination):
        monkeypatch.setattr(module, "LONGEST_SECONDS", 5.0)
    facts = examine(path).facts
    assert np.isnan(facts.sound_stated)
    assert facts.sound_seconds == 6.0
    assert kinds(path) == ["too-long"]
    monkeypatch.setattr(damage, "LONGEST_SECONDS", 6.0)
    assert kinds(path) == []


def test_a_file_that_takes_too_long_to_decode_is_given_up_at_once_and_not_remembered(whole, tmp_path, monkeypatch):
    read, attempts = examination.media.read_sound, []
    monkeypatch.setattr(examination, "_LIMITS", Limits(decode_seconds=0.0))
    monkeypatch.setattr(examination.media, "read_sound", lambda *a, **k: attempts.append(1) or read(*a, **k))
    options = {"n_jobs": 1, "progress": False, "cache": tmp_path}
    table = inspect_clips({"a": whole}, **options)
    assert table["kind"].tolist() == ["too-long"]
    assert "to decode" in table["reason"][0]
    assert len(attempts) == 1
    monkeypatch.undo()
    assert inspect_clips({"a": whole}, **options).empty


def test_nothing_to_inspect_gives_an_empty_table(tmp_path):
    table = inspect_clips({}, progress=False, cache=tmp_path)
    assert list(table) == ["clip_id", "kind", "reason"]
    assert table.empty
