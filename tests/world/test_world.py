"""A world is made once, whole, the same each time, and survives being killed and damaged."""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from avrec_lib.tables import check
from avrec_lib.world import PROFILES, Profile, World, generate, load_world, store
from avrec_lib.world.__main__ import main
from avrec_lib.world.generate import make_tables
from avrec_lib.world.load import _forget_old
from avrec_lib.world.store import faults_of, generator_version, world_folder
from avrec_lib.world.topics import INSTRUMENTS, SETTINGS

TINY = Profile("tiny", clips=12, people=30, creators=5)

MAKE = """
import sys
from avrec_lib.world import Profile, load_world
load_world(Profile("tiny", clips=12, people=30, creators=5), 3, sys.argv[1], progress=False, workers=int(sys.argv[2]))
"""


def start(cache: Path, workers: int) -> subprocess.Popen:
    command = [sys.executable, "-c", MAKE, str(cache), str(workers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def contents(world: World) -> dict[str, str]:
    paths = [world.folder / name for name in world.manifest["files"]]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture
def copy(tiny_world: World, tmp_path: Path) -> Path:
    """Put the tiny world into a cache of its own, to be damaged."""
    shutil.copytree(tiny_world.folder, tmp_path / "world" / tiny_world.folder.name)
    return tmp_path


def load(cache: Path) -> World:
    return load_world(TINY, seed=3, cache=cache, progress=False, workers=1)


# --- what a world holds -----------------------------------------------------------------------


def test_the_tables_keep_their_schemas_and_belong_together(tiny_world):
    for name in ("clips", "users", "events"):
        check(getattr(tiny_world, name), name)
    clips, users = set(tiny_world.clips["clip_id"]), set(tiny_world.users["user_id"])
    assert set(tiny_world.events["clip_id"].dropna()) <= clips and set(tiny_world.events["user_id"]) <= users
    assert set(tiny_world.friends["user_id"]) | set(tiny_world.friends["friend_id"]) <= users
    assert set(tiny_world.truth.clips.index) == clips
    bots = tiny_world.truth.dirt.query("kind == 'bot'")["id"]
    assert set(tiny_world.truth.users.index) == users - set(bots) and len(tiny_world.truth.tastes) == 30


def test_every_clip_has_a_file_and_titles_name_none(tiny_world):
    for clip in tiny_world.clips["clip_id"]:
        path = tiny_world.media(clip)
        assert path.is_file() and path.stem == clip
    on_disk = {path.name for path in (tiny_world.folder / "media").iterdir()}
    assert on_disk == set(tiny_world.clips["path"])


def test_the_truth_of_sound_and_picture_has_its_shapes(tiny_world):
    truth = tiny_world.truth.clips
    for clip in truth.itertuples():
        assert clip.f0_hz.dtype == np.float32 and clip.f0_hz.shape == (round(100 * clip.duration_seconds),)
        assert clip.palette.dtype == np.uint8 and clip.palette.shape[1] == 3
        assert ((clip.onset_times >= 0) & (clip.onset_times <= clip.duration_seconds)).all()
        assert ((clip.cut_times > 0) & (clip.cut_times < clip.duration_seconds)).all()
    assert set(truth["instrument"]) <= set(INSTRUMENTS) and set(truth["setting"]) <= set(SETTINGS)
    assert truth["f0_hz"].map(lambda f0: np.isfinite(f0).any()).all()


def test_what_is_only_heard_or_seen_is_not_in_the_tables_of_the_platform(tiny_world):
    assert not {"instrument", "setting", "topic", "series", "valence"} & set(tiny_world.clips.columns)


def test_an_unknown_clip_is_named(tiny_world):
    with pytest.raises(KeyError, match=r"no clip 'c9'.*c0000000 to c0000015"):
        tiny_world.media("c9")


def test_the_representation_fits_a_line(tiny_world):
    assert repr(tiny_world) == "World('tiny', seed=3: 12 clips, 30 people)"


def test_the_manifest_says_what_it_cost(tiny_world):
    manifest = tiny_world.manifest
    assert manifest["seconds"]["total"] >= manifest["seconds"]["media"] > 0
    assert 50e6 < manifest["peak_memory_bytes"] < 4e9
    assert manifest["bytes"] == sum((tiny_world.folder / name).stat().st_size for name in manifest["files"])
    stated = {Path(name).name: file["sha256"] for name, file in manifest["files"].items()}
    assert stated == contents(tiny_world)


# --- seeds ------------------------------------------------------------------------------------


def test_same_seed_same_tables_and_another_seed_another_world(tiny_world):
    again, tastes, _ = make_tables(TINY, 3)
    for name in ("clips", "users", "events", "friends"):
        pd.testing.assert_frame_equal(again[name], getattr(tiny_world, name), check_dtype=True)
    pd.testing.assert_frame_equal(again["dirt"], tiny_world.truth.dirt)
    assert all(np.array_equal(a, tiny_world.truth.tastes.to_arrays()[n]) for n, a in tastes.to_arrays().items())
    other, _, plan = make_tables(TINY, 4)
    assert not set(other["clips"]["title"]) & set(tiny_world.clips["title"])
    assert not set(plan.catalogue["seed"]) & set(tiny_world.truth.clips["seed"])


# --- interruption -----------------------------------------------------------------------------


def test_killed_then_made_by_two_at_once_it_ends_with_the_same_bytes(tiny_world, tmp_path):
    folder = world_folder(TINY, 3, tmp_path)
    first = start(tmp_path, 2)
    deadline = time.monotonic() + 120
    while len(list((folder / "media").glob("*"))) < 5 and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    survivors = {path.name: path.read_bytes() for path in (folder / "media").iterdir()}
    assert 5 <= len(survivors) < 16 and not (folder / "manifest.json").exists()
    whole = contents(tiny_world)
    assert {name: hashlib.sha256(content).hexdigest() for name, content in survivors.items()}.items() <= whole.items()

    both = [start(tmp_path, 1), start(tmp_path, 1)]
    said = [process.communicate(timeout=240)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("another process is making it" in text for text in said) == 1, said
    resumed = load(tmp_path)
    assert contents(resumed) == whole
    assert resumed.manifest["kept"] >= 5 and resumed.manifest["kept"] + resumed.manifest["rendered"] == 16
    assert not (folder / "unfinished").exists()


# --- the cache --------------------------------------------------------------------------------


def test_a_second_load_is_fast_and_reads_no_table(tiny_world, monkeypatch):
    cache = tiny_world.folder.parent.parent
    monkeypatch.setattr(generate, "make_tables", lambda *_: pytest.fail("made again"))
    monkeypatch.setattr(pd, "read_parquet", lambda *_: pytest.fail("read too early"))
    begin = time.perf_counter()
    load(cache)
    assert time.perf_counter() - begin < 0.5


@pytest.mark.parametrize(
    "damage",
    ["tables/events.parquet", "tables/clip_truth.parquet", "tables/tastes.npz", "media", "records"],
)
def test_what_is_missing_or_changed_is_made_again(tiny_world, copy, damage, capsys):
    folder = copy / "world" / tiny_world.folder.name
    clip = tiny_world.clips["path"].iloc[0]
    if damage.startswith("tables"):
        content = bytearray((folder / damage).read_bytes())
        content[len(content) // 2] ^= 1  # the same size
        (folder / damage).write_bytes(content)
    elif damage == "media":
        (folder / "media" / clip).unlink()
    else:
        shutil.rmtree(folder / "records")
        (folder / "records").mkdir()
        for record in list((tiny_world.folder / "records").iterdir())[1:]:
            shutil.copy(record, folder / "records")
        (folder / "tables" / "clip_truth.parquet").write_bytes(b"")
    repaired = load(copy)
    assert contents(repaired) == contents(tiny_world)
    assert repaired.manifest["rendered"] == (0 if damage.startswith("tables") else 1)
    assert "missing or changed" in capsys.readouterr().err
    assert not faults_of(folder, repaired.manifest)


def test_a_shortened_media_file_is_noticed(tiny_world, copy):
    folder = copy / "world" / tiny_world.folder.name
    path = folder / "media" / tiny_world.clips["path"].iloc[3]
    path.write_bytes(path.read_bytes()[:-1])
    assert faults_of(folder, tiny_world.manifest) == [f"media/{path.name}"]


def test_a_damaged_manifest_is_no_manifest(tiny_world, copy):
    folder = copy / "world" / tiny_world.folder.name
    (folder / "manifest.json").write_text('{"profile": ')
    assert load(copy).manifest["kept"] == 16
    assert json.loads((folder / "manifest.json").read_text())["seed"] == 3


def test_the_version_follows_the_sources_but_not_the_oracle(tmp_path, monkeypatch):
    shutil.copytree(Path(store.__file__).parent.parent, tmp_path / "lib")
    monkeypatch.setattr(store, "__file__", str(tmp_path / "lib" / "world" / "store.py"))

    version = generator_version.__wrapped__

    before = version()
    for free in ("oracle.py", "feeds.py", "site/__init__.py"):
        (tmp_path / "lib" / "world" / free).write_text("# changed\n")
        assert version() == before
    seen = {before}
    for source in ("world/text.py", "world/picture/render.py", "media/write.py"):
        with (tmp_path / "lib" / source).open("a") as file:
            file.write("# changed\n")
        assert version() not in seen
        seen.add(version())


def test_two_sizes_of_one_name_do_not_share_a_folder(tmp_path):
    folders = {world_folder(size, 3, tmp_path) for size in (TINY, Profile("tiny", clips=13, people=30, creators=5))}
    assert len(folders) == 2
    assert world_folder(PROFILES["smoke"], 3, tmp_path).name == f"smoke-3-{generator_version()}"


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"profile": "huge"}, "no profile named 'huge'; there are smoke, full"),
        ({"seed": -1}, "the seed is a whole number"),
        ({"seed": 1.5}, "the seed is a whole number"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        load_world(**{"profile": "smoke", "cache": tmp_path} | arguments)


@pytest.mark.parametrize("size", [{"clips": 11}, {"people": 0}, {"name": "../x"}, {"name": ""}, {"days": 43}])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(ValueError, match="profile"):
        Profile(**{"name": "tiny", "clips": 12, "people": 3} | size)


def test_a_full_disk_is_one_clear_error(tmp_path, monkeypatch):
    def full(self, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"the disk is full.*free some space.*AVREC_CACHE") as caught:
        load(tmp_path)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("blocked", ["a file", "no rights"])
def test_a_cache_that_cannot_be_written_is_one_clear_error(tmp_path, blocked, monkeypatch):
    cache = tmp_path / "cache"
    if blocked == "a file":
        cache.write_text("not a folder")
    else:
        cache.mkdir()

        def refuse(self, *_, **__):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

        monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(PermissionError, match=r"cannot be written.*AVREC_CACHE"):
        load(cache)


def test_the_command_line_prints_the_cost_and_fails_in_one_line(tiny_world, capsys, monkeypatch):
    monkeypatch.setitem(PROFILES, "tiny", TINY)
    cache = str(tiny_world.folder.parent.parent)
    world_folder(TINY, 3, cache).symlink_to(tiny_world.folder)
    assert main(["--profile", "tiny", "--seed", "3", "--cache", cache, "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "peak memory" in printed and "MB" in printed and "made in" in printed
    assert main(["--profile", "huge"]) == 1
    assert capsys.readouterr().err.strip() == "error: no profile named 'huge'; there are smoke, full, tiny"


def test_old_versions_of_a_world_are_forgotten_and_others_kept(tmp_path):
    for age, name in enumerate(["full-7-new", "full-7-a", "full-7-b", "full-7-c", "full-70-d", "smoke-7-e"]):
        (tmp_path / name).mkdir()
        manifest = tmp_path / name / "manifest.json"
        manifest.write_text("{}")
        os.utime(manifest, (1e9 - age, 1e9 - age))
    _forget_old(tmp_path / "full-7-new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "full-7-a", "full-7-b", "full-7-new", "full-70-d", "smoke-7-e",
    ]  # fmt: skip
