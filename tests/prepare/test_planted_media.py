"""Copies and damage as a small world has them: every form and every fault, and what is found of them."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from avrec_lib.prepare.damage import inspect_clips
from avrec_lib.prepare.examination import fingerprint_clips
from avrec_lib.prepare.near_duplicates import find_near_duplicates, remove_copies
from avrec_lib.world import load_world
from avrec_lib.world.dirt_media import read_detail
from avrec_lib.world.profiles import Profile

AS_PLANTED = {
    "truncated": "truncated",
    "silent": "silent-sound",
    "no-sound": "missing-sound",
    "no-picture": "missing-picture",
    "wrong-container": "wrong-extension",
}


class SmallWorld(NamedTuple):
    clips: pd.DataFrame
    paths: dict[str, Path]
    copies: dict[frozenset[str], str]
    later: set[str]
    faults: set[tuple[str, str]]


@pytest.fixture(scope="module")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> SmallWorld:
    """Return a world of 18 clips with every form of copy and every fault of files."""
    size = Profile("copies", clips=14, people=3, creators=4, days=2)
    world = load_world(size, seed=31, cache=tmp_path_factory.mktemp("small"), progress=False, workers=2)
    dirt = world.truth.dirt
    copied = dirt[dirt["kind"] == "near-duplicate"]
    about = [read_detail(detail) for detail in copied["detail"]]
    faults = dirt[dirt["table"] == "media"]
    return SmallWorld(
        world.clips,
        {clip: world.media(clip) for clip in world.clips["clip_id"]},
        {frozenset({clip, of["original"]}): of["form"] for clip, of in zip(copied["id"], about, strict=True)},
        set(copied["id"]),
        set(zip(faults["id"], faults["kind"], strict=True)),
    )


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for what was decoded, shared by the tests of a session."""
    return tmp_path_factory.mktemp("examined")


def test_every_form_of_copy_in_a_small_world_is_found_and_nothing_else(small_world, examined):
    table = find_near_duplicates(fingerprint_clips(small_world.paths, progress=False, cache=examined))
    got = {frozenset(pair) for pair in zip(table["first"], table["second"], strict=True)}
    assert got == set(small_world.copies)
    by = {
        small_world.copies[frozenset(row[:2])]: row[2]
        for row in table[["first", "second", "by"]].itertuples(index=False)
    }
    assert by["cropped"] in ("sound", "both")
    assert by["pitch-shifted"] == "picture"
    kept, report = remove_copies(small_world.clips, table)
    assert set(report.removed["id"]) == small_world.later
    assert len(kept) == len(small_world.clips) - 4


def test_every_planted_fault_in_a_small_world_is_found_and_nothing_else(small_world, examined):
    table = inspect_clips(small_world.paths, progress=False, cache=examined)
    got = {(clip, AS_PLANTED.get(kind, kind)) for clip, kind in zip(table["clip_id"], table["kind"], strict=True)}
    assert got == small_world.faults
    assert len(got) >= 5
