import importlib.util
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from avrec_lib.media import read_frames, read_sound, write_clip
from avrec_lib.prepare import track_search
from avrec_lib.prepare.examination import fingerprint_clips
from avrec_lib.prepare.fingerprints import Fingerprints, Tracks
from avrec_lib.prepare.near_duplicates import exact_duplicates, find_near_duplicates, group_copies, remove_copies
from avrec_lib.prepare.track_search import distance_at, find_candidates, picture_keys, sound_keys

PICTURES, WORDS = 12, 400


def noise(rng, shape, bits, share):
    words = np.zeros(shape, dtype=f"u{bits // 8}")
    for bit in range(bits):
        words |= (rng.random(shape) < share).astype(words.dtype) << words.dtype.type(bit)
    return words


def tracks(words, valid=None):
    offsets = np.arange(len(words) + 1) * words.shape[1]
    return Tracks(words.ravel(), np.ones(words.size, bool) if valid is None else valid.ravel(), offsets)


def strangers(n, seed=0):
    rng = np.random.default_rng(seed)
    picture = noise(rng, (n, PICTURES), 64, 0.5)
    sound = noise(rng, (n, WORDS), 32, 0.5)
    return picture, sound, rng


def gather(picture, sound, seen=None, heard=None):
    ids = np.array([f"c{row:04d}" for row in range(len(picture))])
    return Fingerprints(ids, tracks(picture, seen), tracks(sound, heard))


def found(table):
    return set(zip(table["first"], table["second"], table["by"], strict=True))


def test_copies_are_found_by_either_sense_and_by_both():
    picture, sound, rng = strangers(200)
    picture[10] = picture[3] ^ noise(rng, PICTURES, 64, 0.05)
    sound[10] = sound[3] ^ noise(rng, WORDS, 32, 0.1)
    picture[20] = picture[4] ^ noise(rng, PICTURES, 64, 0.03)  # shifted in pitch
    sound[5] = sound[30] ^ noise(rng, WORDS, 32, 0.05)  # cropped
    table = find_near_duplicates(gather(picture, sound))
    assert found(table) == {("c0003", "c0010", "both"), ("c0004", "c0020", "picture"), ("c0005", "c0030", "sound")}
    row = table.set_index("second").loc["c0010"]
    assert row["picture_distance"] == pytest.approx(0.05, abs=0.03)
    assert row["sound_distance"] == pytest.approx(0.1, abs=0.02)


def test_distances_are_those_of_a_comparison_bit_by_bit():
    picture, sound, rng = strangers(30, seed=5)
    sound[7] = sound[2] ^ noise(rng, WORDS, 32, 0.08)
    heard = rng.random(sound.shape) < 0.9
    table = find_near_duplicates(gather(picture, sound, heard=heard))
    both = heard[2] & heard[7]
    want = np.mean([bin(int(a ^ b)).count("1") for a, b in zip(sound[2][both], sound[7][both], strict=True)]) / 32
    assert found(table) == {("c0002", "c0007", "sound")}
    assert table["sound_distance"].iloc[0] == pytest.approx(want)


def test_an_excerpt_is_found_and_its_place_told():
    picture, sound, _ = strangers(60, seed=1)
    sound[9, :300] = sound[2, 100:]
    table = find_near_duplicates(gather(picture, sound))
    assert found(table) == {("c0002", "c0009", "sound")}
    assert table["shift_seconds"].iloc[0] == pytest.approx(-100 * 64 / 5512.5)
    sound[9, 200:] = strangers(1, seed=2)[1][0, 200:]  # 2.3 s in common are too few to be sure
    assert find_near_duplicates(gather(picture, sound)).empty


def test_weak_hints_count_only_together():
    picture, sound, rng = strangers(60, seed=3)
    sound[9] = sound[2] ^ noise(rng, WORDS, 32, 0.17)  # two bands that play one march
    assert find_near_duplicates(gather(picture, sound)).empty
    picture[9] = picture[2] ^ noise(rng, PICTURES, 64, 0.15)  # a poor encoding of one film
    assert found(find_near_duplicates(gather(picture, sound))) == {("c0002", "c0009", "both")}


def test_what_is_not_valid_is_no_match():
    picture, sound, _ = strangers(20, seed=4)
    picture[3], sound[3] = picture[8], sound[8]
    seen, heard = np.ones(picture.shape, bool), np.ones(sound.shape, bool)
    seen[3], heard[3] = False, False
    assert find_near_duplicates(gather(picture, sound, seen, heard)).empty
    heard[3] = True
    table = find_near_duplicates(gather(picture, sound, seen, heard))
    assert found(table) == {("c0003", "c0008", "sound")}
    assert table["picture_distance"].isna().all()


def test_a_common_ident_makes_no_pairs_and_few_comparisons():
    picture, sound, rng = strangers(400, seed=6)
    picture[:, :4], sound[:, :60] = picture[0, :4], sound[0, :60]
    picture[9] = picture[2] ^ noise(rng, PICTURES, 64, 0.04)
    fingerprints = gather(picture, sound)
    assert found(find_near_duplicates(fingerprints)) == {("c0002", "c0009", "picture")}
    for track, keys in ((fingerprints.picture, picture_keys), (fingerprints.sound, sound_keys)):
        candidates = find_candidates(track, keys(track.words), most_sharing=40, votes=2)
        assert len(candidates.first) < 10
        # With no list of common words every pair is compared.
        everything = find_candidates(track, keys(track.words), most_sharing=400, votes=2)
        assert len(everything.first) == 400 * 399 // 2


def test_pictures_that_differ_in_three_bits_always_share_a_key():
    rng = np.random.default_rng(7)
    words = noise(rng, 2000, 64, 0.5)
    flips = np.stack([rng.permutation(64)[:3] for _ in words]).astype(np.uint64)
    other = words ^ np.bitwise_or.reduce(np.uint64(1) << flips, axis=1)
    shared = np.zeros(len(words), bool)
    for one, two in zip(picture_keys(words), picture_keys(other), strict=True):
        shared |= one == two
    assert shared.all()
    apart = noise(rng, 2000, 64, 0.5)
    assert not any((one == two).any() for one, two in zip(picture_keys(words), picture_keys(apart), strict=True))


def test_distance_does_not_depend_on_how_much_is_compared_at_once(monkeypatch):
    _, sound, rng = strangers(50, seed=8)
    track = tracks(sound, rng.random(sound.shape) < 0.8)
    first, second = np.triu_indices(50, 1)
    shift = rng.integers(-500, 500, len(first))
    whole = distance_at(track, first, second, shift, slack=1, least_words=10)
    monkeypatch.setattr(track_search, "_AT_ONCE", 700)
    np.testing.assert_array_equal(whole, distance_at(track, first, second, shift, slack=1, least_words=10))
    assert np.isnan(whole).any()
    assert np.isfinite(whole).any()


def test_pairs_that_fill_a_step_exactly_are_compared(monkeypatch):
    _, sound, _ = strangers(4, seed=9)
    monkeypatch.setattr(track_search, "_AT_ONCE", WORDS)
    shift = np.zeros(2, dtype=np.int64)
    apart = distance_at(tracks(sound), np.array([0, 1]), np.array([2, 3]), shift, slack=0, least_words=10)
    np.testing.assert_allclose(apart, 0.5, atol=0.03)


def test_the_search_of_nothing_finds_nothing():
    for n in (0, 1):
        picture, sound, _ = strangers(n)
        table = find_near_duplicates(gather(picture, sound))
        assert table.empty
        assert {"first", "second", "by", "picture_distance", "sound_distance"} <= set(table)


def test_each_limit_decides_about_its_own_sense():
    picture, sound, rng = strangers(6, seed=10)
    picture[1] = picture[0] ^ noise(rng, PICTURES, 64, 0.05)
    sound[3] = sound[2] ^ noise(rng, WORDS, 32, 0.05)
    fingerprints, neither = gather(picture, sound), {"picture_limit": 0.0, "sound_limit": 0.0}
    assert found(find_near_duplicates(fingerprints, **neither)) == set()
    by_sight = find_near_duplicates(fingerprints, **neither | {"picture_limit": 0.08})
    assert found(by_sight) == {("c0000", "c0001", "picture")}
    by_ear = find_near_duplicates(fingerprints, **neither | {"sound_limit": 0.12})
    assert found(by_ear) == {("c0002", "c0003", "sound")}


def test_limits_that_make_no_sense_are_refused():
    picture, sound, _ = strangers(2)
    fingerprints = gather(picture, sound)
    with pytest.raises(ValueError, match=r"sound_limit is a share of bits.*got 0\.5"):
        find_near_duplicates(fingerprints, sound_limit=0.5)
    with pytest.raises(ValueError, match="joint_limits"):
        find_near_duplicates(fingerprints, joint_limits=(-0.1, 0.2))
    with pytest.raises(ValueError, match="most_sharing is 2 or more"):
        find_near_duplicates(fingerprints, most_sharing=1)


def test_time_does_not_grow_with_the_square_of_the_catalogue():
    path = Path(__file__).parents[2] / "benchmarks" / "near_duplicates.py"
    spec = importlib.util.spec_from_file_location("near_duplicates_benchmark", path)
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    counts = []
    for size in (500, 4000):
        fingerprints, planted = bench.make_fingerprints(size)
        pairs = find_near_duplicates(fingerprints)
        got = {tuple(int(name[1:]) for name in pair) for pair in zip(pairs["first"], pairs["second"], strict=True)}
        assert got <= planted
        assert len(got) >= 0.95 * len(planted)
        track = fingerprints.sound
        counts.append(len(find_candidates(track, sound_keys(track.words), most_sharing=40, votes=2).first))
    # Comparisons, not seconds: eight times the clips, sixty-four times the pairs.
    assert counts[1] < 20 * counts[0]


def clips_of(days):
    times = pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(list(days.values()), unit="D")
    return pd.DataFrame({"clip_id": list(days), "release_time": times})


def pairs_of(*pairs):
    return pd.DataFrame(pairs, columns=["first", "second"], dtype="str")


def test_the_earliest_upload_stands_for_its_copies_and_their_copies():
    clips = clips_of({"a": 5, "b": 1, "c": 3, "d": 2, "e": 0, "f": 2})
    pairs = pairs_of(("a", "b"), ("b", "c"), ("d", "f"))
    groups = group_copies(pairs, clips)
    assert groups.to_dict() == {"a": "b", "b": "b", "c": "b", "d": "d", "f": "d"}
    kept, report = remove_copies(clips, pairs)
    assert kept["clip_id"].tolist() == ["b", "d", "e"]
    assert report.removed.values.tolist() == [["a", "copy of b"], ["c", "copy of b"], ["f", "copy of d"]]
    assert (report.before, report.after) == (6, 3)
    assert group_copies(pairs)["c"] == "a"


def test_without_pairs_nothing_is_removed_and_absent_clips_are_named():
    clips = clips_of({"a": 1, "b": 2})
    kept, report = remove_copies(clips, pairs_of())
    assert kept["clip_id"].tolist() == ["a", "b"]
    assert report.removed.empty
    kept, _ = remove_copies(clips, pairs_of(("a", "gone")))
    assert len(kept) == 2
    with pytest.raises(ValueError, match="not in the table, such as gone"):
        group_copies(pairs_of(("a", "gone")), clips)


def test_equal_files_are_found_by_their_bytes_alone(tmp_path):
    contents = {"a": b"one", "b": b"two", "c": b"one", "d": b"longer", "e": b"one", "f": b"", "g": b""}
    paths = {name: tmp_path / f"{name}.mp4" for name in contents}
    for name, content in contents.items():
        paths[name].write_bytes(content)
    table = exact_duplicates(paths)
    assert table[["first", "second", "by"]].values.tolist() == [["a", "c", "bytes"], ["a", "e", "bytes"]]
    assert exact_duplicates({"b": paths["b"], "d": paths["d"]}).empty
    with pytest.raises(FileNotFoundError):
        exact_duplicates({"x": tmp_path / "x.mp4"})


def real(folder):
    home = os.environ.get("AVREC_DATA_HOME")
    path = Path(home or ".") / folder
    if not home or not path.exists():
        pytest.skip(f"{folder} is not there; set AVREC_DATA_HOME to a folder that holds it")
    return path


def test_real_film_is_found_again_after_encoding_and_cropping(tmp_path):
    film = real("clips/big_buck_bunny_0_30.webm")
    paths = {}
    for part in range(3):
        frames = read_frames(film, fps=12, size=(180, 320), start=8.0 * part, stop=8.0 * part + 7.0).images
        sound = read_sound(film, sample_rate=22_050, start=8.0 * part, stop=8.0 * part + 7.0).samples
        paths[f"part{part}"] = write_clip(tmp_path / f"{part}.mp4", frames=frames, sound=sound)
        poor = {"crf": 38, "bit_rate": 32_000}
        paths[f"poor{part}"] = write_clip(tmp_path / f"{part}-poor.mp4", frames=frames, sound=sound, **poor)
        inner = frames[:, 16:-16, 26:-26]
        paths[f"crop{part}"] = write_clip(tmp_path / f"{part}-crop.mp4", frames=inner, sound=sound)
    table = find_near_duplicates(fingerprint_clips(paths, n_jobs=1, progress=False, cache=tmp_path))
    got = {frozenset(pair) for pair in zip(table["first"], table["second"], strict=True)}
    for part in range(3):
        assert frozenset({f"part{part}", f"poor{part}"}) in got
        assert frozenset({f"part{part}", f"crop{part}"}) in got
    # The cropped and the poor one need not know of each other: the original joins them, and no other part does.
    assert group_copies(table).to_dict() == {
        f"{kind}{n}": f"crop{n}" for kind in ("part", "poor", "crop") for n in range(3)
    }


def test_real_sounds_are_found_again_after_encoding(tmp_path):
    sounds = sorted(path for path in real("esc10").glob("*/*") if path.suffix == ".ogg")[::20]
    assert len(sounds) >= 10
    paths = {}
    for number, path in enumerate(sounds):
        sound = read_sound(path, sample_rate=22_050)
        paths[f"{number}"] = path
        paths[f"{number}-again"] = write_clip(tmp_path / f"{number}.m4a", sound=sound.samples, bit_rate=64_000)
    fingerprints = fingerprint_clips(paths, n_jobs=1, progress=False, cache=tmp_path)
    table = find_near_duplicates(fingerprints)
    got = {frozenset(pair) for pair in zip(table["first"], table["second"], strict=True)}
    ends = fingerprints.sound.offsets
    heard = np.array([fingerprints.sound.valid[low:high].sum() for low, high in pairwise(ends)])
    # A bark and four seconds of nothing are less than the three seconds that the search asks for.
    planted = {frozenset({f"{n}", f"{n}-again"}) for n in range(len(sounds)) if heard[2 * n : 2 * n + 2].min() >= 256}
    assert got <= {frozenset({f"{n}", f"{n}-again"}) for n in range(len(sounds))}
    assert len(planted) >= 8
    assert len(got & planted) >= 0.95 * len(planted)
