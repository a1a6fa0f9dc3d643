"""What cleaning finds of what was planted, on several worlds: ``python -m benchmarks.cleaning --seeds 17 19 23``.

Not a race: precision and recall of each step against the truth, world by world. A world that is not in the cache is
made first (a minute or so in the full profile).
"""

import argparse
from collections.abc import Sequence

import pandas as pd

from avrec_lib.prepare.damage import inspect_clips, quarantine
from avrec_lib.prepare.event_cleaning import clean_events
from avrec_lib.prepare.examination import fingerprint_clips
from avrec_lib.prepare.near_duplicates import find_near_duplicates
from avrec_lib.world import World, load_world
from avrec_lib.world.dirt_media import read_detail

ISSUE_OF = {
    "truncated": "truncated",
    "silent-sound": "silent",
    "missing-sound": "no-sound",
    "missing-picture": "no-picture",
    "wrong-extension": "wrong-container",
}
STEP_OF = {"duplicate": "repeats", "impossible-watch": "impossible", "bot": "robots"}


def mark(found: set, planted: set) -> tuple[int, int, float, float]:
    """Return how many were planted and found, precision and recall."""
    right = len(found & planted)
    return len(planted), len(found), right / max(1, len(found)), right / max(1, len(planted))


def marks(world: World) -> pd.DataFrame:
    """Mark copies, damaged files and the log of one world."""
    dirt = world.truth.dirt
    paths = {clip: world.media(clip) for clip in world.clips["clip_id"]}
    issues = inspect_clips(paths, progress=False)
    faults = dirt[dirt["table"] == "media"]
    rows = {}
    for kind, issue in ISSUE_OF.items():
        rows[kind] = mark(
            set(issues.loc[issues["kind"] == issue, "clip_id"]), set(faults.loc[faults["kind"] == kind, "id"])
        )
    whole, _ = quarantine(world.clips, paths, progress=False)
    pairs = find_near_duplicates(fingerprint_clips({clip: paths[clip] for clip in whole["clip_id"]}, progress=False))
    copies = dirt[dirt["kind"] == "near-duplicate"]
    rows["near-duplicate"] = mark(
        {frozenset(pair) for pair in zip(pairs["first"], pairs["second"], strict=True)},
        {
            frozenset((copy, read_detail(detail)["original"]))
            for copy, detail in zip(copies["id"], copies["detail"], strict=True)
        },
    )
    cleaned = clean_events(world.events, world.clips, world.users)
    reports = {report.step: report for report in cleaned.reports}
    for kind, step in STEP_OF.items():
        removed = reports[step].removed
        found = set(world.users["user_id"]) - set(cleaned.users["user_id"]) if kind == "bot" else set(removed["id"])
        rows[kind] = mark(found, set(dirt.loc[dirt["kind"] == kind, "id"]))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["planted", "found", "precision", "recall"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the marks of each world."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cleaning", description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="full")
    parser.add_argument("--seeds", type=int, nargs="+", default=[17, 19, 23], help="worlds on which nothing was chosen")
    options = parser.parse_args(arguments)
    for seed in options.seeds:
        print(f"\nworld {options.profile}, seed {seed}")
        print(marks(load_world(options.profile, seed=seed)).round(3).to_string())


if __name__ == "__main__":
    main()
