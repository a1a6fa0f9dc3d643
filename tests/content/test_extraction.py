"""One pass over many clips: what is described, what is not and why, and what a second call still has to do."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tqdm import tqdm

from avrec_lib.content import audio, extraction, feature_cache, tasks, visual, workers
from avrec_lib.content.extraction import UnexpectedErrorWarning, extract
from avrec_lib.content.extractor import Extractor
from avrec_lib.content.extractors import PICTURE_SKETCH, SOUND_SKETCH, WORDS
from avrec_lib.content.feature_cache import FeatureCache
from avrec_lib.media import read_frames, read_sound, write_clip
from tests.content import toy_extractors as toys

RATE = 22_050
ROOT = Path(__file__).resolve().parents[2]


def beep(hertz=440.0, seconds=1.0):
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def picture(seed=0, frames=12):
    base = np.random.default_rng(seed).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    return np.repeat(base.repeat(8, axis=1).repeat(8, axis=2), frames, axis=0)


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    names = ["whole", "mute", "dark", "silent", "torn", "words", "empty", "folder", "gone", "copy", "last"]
    paths = {name: folder / f"{name}.mp4" for name in names}
    write_clip(paths["whole"], frames=picture(), sound=beep())
    write_clip(paths["mute"], frames=picture(1))
    write_clip(paths["dark"], sound=beep(220.0))
    write_clip(paths["silent"], frames=picture(2), sound=np.zeros(RATE, np.float32))
    write_clip(paths["last"], frames=picture(3), sound=beep(880.0))
    paths["copy"].write_bytes(paths["last"].read_bytes())
    paths["torn"].write_bytes(paths["whole"].read_bytes()[:300])
    paths["words"].write_text("this is not a film")
    paths["empty"].touch()
    paths["folder"].mkdir()
    return paths


@pytest.fixture
def how(tmp_path):
    return {"progress": False, "cache": tmp_path / "cache", "n_jobs": 1}


@pytest.fixture
def says(tmp_path):
    """Give a function that writes files of one word each."""

    def written(*words):
        paths = {f"{number}-{word}": tmp_path / f"{number}-{word}.txt" for number, word in enumerate(words)}
        for path, word in zip(paths.values(), words, strict=True):
            path.write_text(word)
        return paths

    return written


def toy(function, name="toy", **parameters):
    reads = "text" if function in (toys.letters, toys.reads_badly) else "media"
    return Extractor(name, function, ("one", "two"), reads, parameters)


def test_damaged_and_missing_are_absent_with_a_reason_and_the_rest_is_described(media, how):
    found = extract(media, [SOUND_SKETCH, PICTURE_SKETCH], **how | {"n_jobs": 2})
    assert list(found) == ["sound", "picture"]
    sound, seen = found["sound"], found["picture"]
    assert sound.features.ids.tolist() == seen.features.ids.tolist() == list(media)
    assert sound.features.ids[sound.features.present].tolist() == ["whole", "dark", "copy", "last"]
    assert seen.features.ids[seen.features.present].tolist() == ["whole", "mute", "silent", "copy", "last"]
    reasons = sound.problems.set_index("clip_id")["reason"]
    assert reasons.index.tolist() == ["mute", "silent", "torn", "words", "empty", "folder", "gone"]
    for clip, words in {
        "mute": "MissingStreamError",
        "silent": "NoFeaturesError: the sound is silent",
        "torn": "MediaError",
        "words": "no media file of a known kind",
        "empty": "is empty",
        "folder": "is not a regular file",
        "gone": "FileNotFoundError",
    }.items():
        assert words in reasons[clip]
    assert not any(str(media["torn"].parent) in reason for reason in reasons)  # a reason can be counted and published
    alone = extract(media, [SOUND_SKETCH, PICTURE_SKETCH], **how | {"cache": how["cache"] / "other"})
    for name in found:  # two processes, the same bytes
        np.testing.assert_array_equal(alone[name].features.matrix, found[name].features.matrix)
        pd.testing.assert_frame_equal(alone[name].problems, found[name].problems)


def test_rows_are_what_reading_and_describing_by_hand_gives(media, how):
    wanted = {name: media[name] for name in ("last", "whole")}
    found = extract(wanted, [SOUND_SKETCH, PICTURE_SKETCH], **how)
    heard = read_sound(media["last"], sample_rate=RATE)
    expected = audio.describe_sound(heard.samples, RATE)
    np.testing.assert_allclose(found["sound"].features.matrix[0], expected, rtol=1e-3, atol=1e-3)
    frames = read_frames(media["whole"], fps=4.0, size=64)
    expected = visual.describe_frames(frames.images, 4.0)
    np.testing.assert_allclose(found["picture"].features.matrix[1], expected, rtol=1e-5)
    assert found["picture"].features.columns == visual.PICTURE_FEATURES
    assert found["sound"].features.origin["version"] == SOUND_SKETCH.version


def test_a_second_call_describes_nothing_not_even_the_damaged_and_a_changed_file_anew(says, how, tmp_path):
    paths, tally = says("a", "bb", "bb"), tmp_path / "tally"
    extractor = toy(toys.slowly, seconds=0, tally=str(tally))
    first = extract(paths, extractor, **how)["toy"].features
    assert tally.read_text().split() == ["0-a.txt", "1-bb.txt"], "two clips of the same bytes are described once"
    second = extract(paths, extractor, **how)["toy"].features
    np.testing.assert_array_equal(first.matrix, second.matrix)
    assert len(tally.read_text().split()) == 2
    paths["0-a"].write_text("ccc")
    assert extract(paths, extractor, **how)["toy"].features.matrix[0].tolist() == [3, ord("c")]
    assert len(tally.read_text().split()) == 3


def test_a_change_that_keeps_size_and_dates_is_noticed(says, how):
    paths = says("abc")
    before = extract(paths, toy(toys.size_and_first), **how)["toy"].features.matrix
    (path,) = paths.values()
    times = path.stat()
    path.write_text("xbc")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert extract(paths, toy(toys.size_and_first), **how)["toy"].features.matrix[0, 1] == ord("x") != before[0, 1]


def test_other_parameters_are_another_description(says, how, tmp_path):
    paths, tally = says("a"), tmp_path / "tally"
    for seconds in (0, 0.001, 0):
        extract(paths, toy(toys.slowly, seconds=seconds, tally=str(tally)), **how)
    assert len(tally.read_text().split()) == 2


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_lasting_reasons_are_kept_and_passing_ones_tried_again(says, how, n_jobs):
    how = how | {"n_jobs": n_jobs}
    paths = says("fine", "nothing", "damaged", "busy", "stalled", "late")
    first = extract(paths, toy(toys.moody), **how)["toy"].problems
    assert first["reason"].tolist() == [
        "NoFeaturesError: it says nothing",
        "MediaError: is damaged",
        "MediaError: cannot be opened",
        "StalledMediaError: gave nothing for 20 s of decoding",
        "MediaError: is damaged",
    ]
    cache = FeatureCache(toy(toys.moody), how["cache"])
    kept = {word: cache.get(tasks.signed_hash(path)[0]) for word, path in paths.items()}
    assert kept["1-nothing"] and kept["2-damaged"] and kept["3-busy"] is None and kept["4-stalled"] is None
    assert kept["5-late"], "how long it took says nothing of the file"
    pd.testing.assert_frame_equal(extract(paths, toy(toys.moody), **how)["toy"].problems, first)


def test_a_file_that_kills_its_process_is_named_and_stops_nothing(says, how):
    words = ["fine", "kill", "well", "abort", "exit", "grow", "good"]
    paths = says(*words)
    how = how | {"n_jobs": 2, "memory_bytes": 1 << 30}
    found = extract(paths, [toy(toys.moody), toy(toys.size_and_first, "other")], **how)
    assert found["toy"].features.ids[found["toy"].features.present].tolist() == ["0-fine", "2-well", "6-good"]
    reasons = found["toy"].problems.set_index("clip_id")["reason"]
    assert "SIGKILL" in reasons["1-kill"] and "memory" in reasons["1-kill"]
    assert "SIGABRT" in reasons["3-abort"] and "status 3" in reasons["4-exit"] and "memory" in reasons["5-grow"]
    assert found["other"].features.present.all(), "what another extractor makes of the same file is not lost"


def test_an_extractor_that_kills_every_process_ends_with_its_reason(says, how):
    with pytest.raises(ValueError, match=r"none of 3 clips.*SIGKILL"):
        extract(says("a", "b", "c"), toy(toys.deadly), **how | {"n_jobs": 2})


def test_a_catalogue_without_sound_is_described_beside_its_pictures(media, how):
    silent = {name: media[name] for name in ("mute", "silent")}
    for _ in range(2):  # the second time from what is kept
        found = extract(silent, [SOUND_SKETCH, PICTURE_SKETCH], **how)
        assert not found["sound"].features.present.any() and found["picture"].features.present.all()
        assert found["sound"].features.matrix.shape == (2, len(SOUND_SKETCH.columns))
        assert found["sound"].problems["clip_id"].tolist() == list(silent)
    with pytest.raises(ValueError, match=r"none of 3 clips.*the first says: MediaError"):
        extract(silent | {"words": media["words"]}, SOUND_SKETCH, **how)
    found = extract(None, toy(toys.letters), texts={"a": "12", "b": ""}, **how)["toy"]
    assert found.features.present.tolist() == [False, False]


def test_what_one_extractor_cannot_write_loses_nothing_of_the_others(says, how, monkeypatch):
    write = feature_cache.write_checked

    def full_for_one(path, arrays, manifest):
        if manifest["name"] == "first":
            raise OSError(errno.ENOSPC, "no room for the first")
        write(path, arrays, manifest)

    monkeypatch.setattr(feature_cache, "write_checked", full_for_one)
    extractors = [toy(toys.size_and_first, name) for name in ("first", "second", "third")]
    with pytest.raises(OSError, match="no room for the first"):
        extract(says("a", "bb"), extractors, **how)
    kept = [len(list(FeatureCache(one, how["cache"]).folder.iterdir())) for one in extractors]
    assert kept == [0, 1, 1]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_mistake_in_the_extractor_is_not_taken_for_a_damaged_file(says, how, n_jobs):
    paths = says("mistake", "fine", "nan", "long")
    with pytest.warns(UnexpectedErrorWarning, match="on 3 clips(.|\n)*KeyError: 'a mistake"):
        found = extract(paths, toy(toys.moody), **how | {"n_jobs": n_jobs})["toy"]
    assert found.features.present.tolist() == [False, True, False, False]
    assert "not finite for two" in found.problems["reason"][1] and "2 numbers" in found.problems["reason"][2]
    with pytest.raises(ValueError, match=r"none of 1 clips(.|\n)*KeyError: 'a mistake"):
        extract({"a": paths["0-mistake"]}, toy(toys.moody), **how)
    of_one_name = {"sound": toy(toys.size_and_first), "mood": toy(toys.moody)}
    with pytest.raises(ValueError, match=r"^mood: none of 1 clips"):
        extract({"a": paths["0-mistake"]}, of_one_name, **how)


def test_a_file_that_changes_while_it_is_read_is_not_kept_under_its_old_hash(says, how):
    paths = says("stays", "b")
    with pytest.raises(ValueError, match="changed while it was read"):
        extract(paths, toy(toys.changing), **how)


def test_texts_are_read_together_once_each_and_blank_ones_never(how, tmp_path):
    tally = tmp_path / "tally"
    extractor = toy(toys.letters, tally=str(tally))
    texts = {7: "a tale", 8: " . ", 9: "a tale", 10: "12", 11: "an aria", 12: None}
    found = extract(None, extractor, texts=texts, **how)["toy"]
    assert found.features.ids.tolist() == list(texts) and found.features.ids.dtype == np.int64
    assert found.features.present.tolist() == [True, False, True, False, True, False]
    assert found.features.matrix[[0, 2, 4]].tolist() == [[6, 3], [6, 3], [7, 4]]
    assert sorted(tally.read_text().splitlines()) == ["12", "a tale", "an aria"]
    texts[8] = "now"
    assert extract(None, extractor, texts=pd.Series(texts), **how)["toy"].features.matrix[1].tolist() == [3, 1]
    assert len(tally.read_text().splitlines()) == 4


def test_a_text_that_kills_its_process_is_named(how):
    texts = {"a": "one", "b": "kill", "c": "three", "d": "four"}
    found = extract(None, toy(toys.reads_badly), texts=texts, **how | {"n_jobs": 2})["toy"]
    assert found.problems["clip_id"].tolist() == ["b"] and "SIGKILL" in found.problems["reason"][0]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_text_that_raises_an_error_fails_alone(how, n_jobs):
    texts = {number: f"text {number}" for number in range(70)} | {13: "mistake", 44: "mistake too"}
    with pytest.warns(UnexpectedErrorWarning, match="on 2 clips"):
        found = extract(None, toy(toys.reads_badly), texts=texts, **how | {"n_jobs": n_jobs})["toy"]
    assert found.problems["clip_id"].tolist() == [13, 44] and found.features.present.sum() == 68
    assert set(found.problems["reason"]) == {"unexpected KeyError: 'a mistake in the extractor'"}
    assert found.features.matrix[12].tolist() == [7, 1]


def test_a_few_texts_that_the_library_reads_itself_start_no_process(how, monkeypatch):
    def refuse(*words, **options):
        raise AssertionError("a process was started")

    monkeypatch.setattr(workers.subprocess, "Popen", refuse)
    texts = {number: f"the sea, night {number}" for number in range(65)}
    few = {number: texts[number] for number in range(64)}
    assert extract(None, WORDS, texts=few, **how | {"n_jobs": 2})["text"].features.present.all()
    texts = {number: f"{text} again" for number, text in texts.items()}
    with pytest.raises(AssertionError, match="a process was started"):
        extract(None, WORDS, texts=texts, **how | {"n_jobs": 2})


def test_a_mapping_says_what_results_are_called_whatever_the_extractors_names(says, how, tmp_path):
    tally = tmp_path / "tally"
    slow = toy(toys.slowly, seconds=0, tally=str(tally))
    extractors = {"size": toy(toys.size_and_first), "slow": slow, "again": slow}
    found = extract(says("one", "three"), extractors, **how)
    assert list(found) == list(extractors)
    assert all(one.features.matrix.tolist() == [[3, ord("o")], [5, ord("t")]] for one in found.values())
    assert len(tally.read_text().splitlines()) == 2, "one extractor under two keys describes each file once"


def test_files_and_texts_are_described_side_by_side(says, how):
    paths = says("a", "b")
    texts = pd.DataFrame({"clip_id": ["1-b"], "title": ["Rain"], "description": [None], "tags": ["a|b"]})
    found = extract(
        paths, [toy(toys.letters, "text"), toy(toys.size_and_first)], texts=texts.assign(transcript=""), **how
    )
    assert found["text"].features.present.tolist() == [False, True]
    assert found["text"].problems["clip_id"].tolist() == ["0-a"]
    assert found["toy"].features.present.all()


def test_a_world_is_described_by_itself(says, how):
    class World:
        clips = pd.DataFrame({"clip_id": ["0-a", "1-b"], "title": ["x", "y"], "description": "", "tags": ""}).assign(
            transcript=""
        )

        def media(self, clip_id):
            return paths[clip_id]

    paths = says("a", "b")
    found = extract(World(), [toy(toys.letters, "text"), toy(toys.size_and_first)], **how)
    assert found["toy"].features.ids.tolist() == ["0-a", "1-b"] and found["text"].features.present.all()


def test_a_bar_shows_how_far_it_is_and_only_while_there_is_something_to_do(says, how, capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setenv("TQDM_MININTERVAL", "0")
    for expected in (True, False):
        extract(says("a", "b"), toy(toys.size_and_first), **how | {"progress": True})
        assert ("toy: 100%" in (shown := capsys.readouterr().err)) is expected and ("2/2" in shown) is expected


def test_reading_that_takes_long_shows_a_bar_of_its_own_first(says, how, capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    reached = {}

    class Bar(tqdm):
        def close(self):
            reached[self.desc] = (self.n, self.total)
            super().close()

    monkeypatch.setattr(extraction, "tqdm", Bar)
    for patience, seen in ((0.0, True), (1e9, False)):
        monkeypatch.setattr(extraction, "_PATIENCE_SECONDS", patience)
        extract(says("a", "bcd"), toy(toys.size_and_first), **how | {"progress": True})
        shown = capsys.readouterr().err
        assert ("reading files" in shown) is seen and reached["reading files"] == (4, 4)
        if seen:
            assert shown.index("reading files") < shown.index("toy:")


def test_a_file_of_many_pieces_has_the_hash_of_its_bytes(tmp_path):
    content = np.random.default_rng(0).bytes(tasks._READ_AT_ONCE * 2 + 5)
    (tmp_path / "large").write_bytes(content)
    told = []
    assert tasks.signed_hash(tmp_path / "large", told.append)[0] == hashlib.sha256(content).hexdigest()
    assert sum(told) == len(content) and len(told) == 3


def test_pools_of_threads_are_not_looked_for_at_every_file(says, how, monkeypatch):
    looked = []

    class Controller(workers.ThreadpoolController):
        def __init__(self):
            looked.append(self)
            super().__init__()

    monkeypatch.setattr(workers, "ThreadpoolController", Controller)
    extract(says(*"abcdefgh"), toy(toys.size_and_first), **how)
    assert 1 <= len(looked) <= 2


@pytest.mark.parametrize(
    ("module", "needed"),
    [("worker_process", {"numpy"}), ("extractors", {"numpy", "scipy", "cv2"}), ("sentences", {"numpy", "scipy"})],
)
def test_a_worker_loads_only_what_its_extractor_needs(module, needed):
    program = f"import sys, avrec_lib.content.{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    large = {
        "numpy",
        "pandas",
        "pyarrow",
        "torch",
        "sklearn",
        "scipy",
        "scipy.signal",
        "librosa",
        "cv2",
        "skimage",
        "numba",
    }
    assert needed == set(done.stdout.split()) & large


def test_what_is_not_given_or_not_right_is_said(says, how):
    paths = says("a")
    with pytest.raises(ValueError, match="there is no clip"):
        extract({}, toy(toys.moody), **how)
    with pytest.raises(ValueError, match="source must be a World"):
        extract(None, toy(toys.moody), **how)
    with pytest.raises(ValueError, match="texts= must be given"):
        extract(paths, toy(toys.letters), **how)
    with pytest.raises(ValueError, match="same name: toy, toy"):
        extract(paths, [toy(toys.moody), toy(toys.letters)], **how)
    with pytest.raises(ValueError, match="Extractor, not <function moody"):
        extract(paths, toys.moody, **how)
    with pytest.raises(ValueError, match="is text, not 3"):
        extract(paths, {3: toy(toys.moody)}, **how)
    with pytest.raises(ValueError, match="n_jobs"):
        extract(paths, toy(toys.moody), **how | {"n_jobs": 0})


class TwiceListed:
    """A catalogue with one clip in two rows."""

    clips = pd.DataFrame({"clip_id": ["a", "b", "a"]})

    def media(self, clip_id):
        return Path(clip_id)


def test_what_is_listed_twice_is_told_and_not_dropped(how):
    reader = Extractor("text", toys.letters, ("length", "vowels"), "text")
    with pytest.raises(ValueError, match="id 'a' occurs more than once"):
        extract(TwiceListed(), toy(toys.size_and_first), **how)
    with pytest.raises(ValueError, match="id 7 occurs more than once"):
        extract(None, reader, texts=pd.Series(["rain", "storm", "sea"], [7, 8, 7]), **how)


@pytest.mark.parametrize(
    ("strange", "says"),
    [(("a", 1), "text or a whole number"), (1.5, "not 1.5"), (True, "not True"), ("caf\udce9.mp4", "half of a char")],
)
def test_an_id_that_no_table_can_hold_is_told_before_the_work(media, how, strange, says):
    with pytest.raises(ValueError, match=says):
        extract({strange: media["words"]}, toy(toys.deadly), **how)


def test_texts_of_other_clips_are_told(media, how):
    reader = Extractor("text", toys.letters, ("length", "vowels"), "text")
    with pytest.raises(ValueError, match=r"texts are those of other clips: such as '1', where a clip is 1"):
        extract({1: media["words"]}, reader, texts={"1": "rain"}, **how)


PROGRAM = """
import sys
from pathlib import Path
from avrec_lib.content import extraction
from tests.content.toy_extractors import gated_extractor
folder, cache, tally, gate = map(Path, sys.argv[1:5])
extraction._FLUSH_SECONDS = 0.0
paths = {path.name: path for path in sorted(folder.iterdir())}
found = extraction.extract(paths, gated_extractor(tally, gate), n_jobs=int(sys.argv[5]), progress=False, cache=cache)
features = found["toy"].features
assert features.present.all() and features.matrix[:, 0].tolist() == [len(path.read_bytes()) for path in paths.values()]
print("done", flush=True)
"""


def start(folder, cache, tally, gate, n_jobs):
    words = [sys.executable, "-c", PROGRAM, *map(str, (folder, cache, tally, gate, n_jobs))]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def many(folder, count):
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03d}").write_text("x" * (number + 1))
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_after_a_kill_the_next_call_goes_on_and_no_worker_is_left(tmp_path):
    folder, cache, tally, gate = many(tmp_path / "files", 90), tmp_path / "cache", tmp_path / "tally", tmp_path / "gate"
    process = start(folder, cache, tally, gate, 2)
    deadline = time.monotonic() + 300
    while len(FeatureCache(toys.gated_extractor(tally, gate), cache)._found) < 60:  # both workers wait at the gate
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    gate.touch()
    process.communicate(timeout=300)  # until nobody holds the pipe: until the workers have ended
    assert len(tally.read_text().split()) == 62, "workers end what they have begun, and no more"
    again = start(folder, cache, tally, gate, 2)
    assert again.communicate(timeout=300)[0] == "done\n"
    assert len(tally.read_text().split()) == 62 + 30, "what was kept is not described twice"


def test_two_processes_at_once_share_a_cache_and_both_are_right(tmp_path):
    folder, cache, tally, gate = many(tmp_path / "files", 60), tmp_path / "cache", tmp_path / "tally", tmp_path / "gate"
    both = [start(folder, cache, tally, gate, 1) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=300)
        assert out == "done\n", err
    before = len(tally.read_text().split())
    third = start(folder, cache, tally, gate, 1)
    assert third.communicate(timeout=300)[0] == "done\n"
    assert len(tally.read_text().split()) == before, "what two processes kept is there whole"
