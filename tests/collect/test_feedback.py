"""Matrices from events: each cell where its ids say, each formula as the paper has it."""

import numpy as np
import pandas as pd
import pytest

from avrec_lib.collect.feedback import (
    confidence_matrices,
    play_counts,
    rating_biases,
    rating_matrix,
    tag_preferences,
)
from avrec_lib.world import load_world

START = pd.Timestamp("2026-01-05", tz="UTC")


@pytest.fixture
def clips() -> pd.DataFrame:
    """Give four clips of ten seconds."""
    return pd.DataFrame(
        {
            "clip_id": ["a", "b", "c", "d"],
            "tags": ["sea|night", "sea", "Sea|Rain", None],
            "duration_seconds": [10.0] * 4,
        }
    )


def watches(rows: list[tuple[str, str, float, float]]) -> pd.DataFrame:
    """Make watches from (person, clip, seconds, day)."""
    table = pd.DataFrame(rows, columns=["user_id", "clip_id", "watch_seconds", "day"])
    table["time"] = START + pd.to_timedelta(table.pop("day"), unit="D")
    return table.assign(kind="watch", value=np.nan)


def test_confidence_follows_hu_koren_and_volinsky(clips):
    events = watches(
        [("u2", "b", 10.0, 0), ("u2", "b", 5.0, 1), ("u1", "a", 2.0, 0), ("u1", "c", 0.0, 0), ("u1", "d", -3, 0)]
    )
    linear = confidence_matrices(events, clips, alpha=40.0)
    assert linear.user_ids.tolist() == ["u1", "u2"] and linear.clip_ids.tolist() == ["a", "b", "c"]
    assert linear.preference.toarray().tolist() == [[1, 0, 0], [0, 1, 0]]
    np.testing.assert_allclose(linear.confidence.toarray(), [[9.0, 0, 0], [0, 61.0, 0]], rtol=1e-6)
    log = confidence_matrices(events, clips, alpha=2.0, epsilon=0.1, scale="log")
    np.testing.assert_allclose(log.confidence.data, [1 + 2 * np.log(3.0), 1 + 2 * np.log(16.0)], rtol=1e-6)
    assert linear.preference.has_sorted_indices or linear.preference.nnz == 2


def test_watching_more_never_lowers_confidence():
    world = load_world("smoke", seed=7)
    found = confidence_matrices(world.events, world.clips)
    assert (found.confidence.data > 1.0).all() and (found.preference.data == 1.0).all()
    assert (found.preference != 0).nnz == found.confidence.nnz
    later = world.events["time"] < world.events["time"].quantile(0.5)
    early = confidence_matrices(world.events[later], world.clips)
    frame = pd.DataFrame(found.confidence.toarray(), found.user_ids, found.clip_ids)
    before = pd.DataFrame(early.confidence.toarray(), early.user_ids, early.clip_ids)
    assert (frame.loc[before.index, before.columns].to_numpy() >= before.to_numpy() - 1e-4).all()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"alpha": 0.0}, "alpha and epsilon"),
        ({"epsilon": -1.0}, "alpha and epsilon"),
        ({"scale": "sqrt"}, "got 'sqrt'"),
    ],
)
def test_impossible_confidence_is_refused(clips, options, told):
    with pytest.raises(ValueError, match=told):
        confidence_matrices(watches([("u", "a", 1.0, 0)]), clips, **options)


def test_plays_are_counted_and_their_logarithm_taken():
    table = play_counts(watches([("u", "b", 1.0, 0), ("u", "b", 1.0, 1), ("u", "a", 1.0, 0), ("t", "b", 1.0, 0)]))
    assert table[["user_id", "clip_id", "plays"]].to_numpy().tolist() == [["t", "b", 1], ["u", "a", 1], ["u", "b", 2]]
    np.testing.assert_allclose(table["log_plays"], np.log([2, 2, 3]))


def test_rare_tags_weigh_more_and_tags_of_all_clips_nothing(clips):
    everywhere = clips.assign(tags=["x|sea", "x|sea", "x|rain", "x"])
    found = tag_preferences(watches([("u", "a", 10.0, 0), ("u", "c", 10.0, 0)]), everywhere)
    vector = dict(zip(found.tags, found.matrix.toarray()[0], strict=True))
    assert vector["x"] == 0.0
    assert vector["rain"] / vector["sea"] == pytest.approx(np.log(4) / np.log(2))
    assert np.linalg.norm(found.matrix.toarray(), axis=1) == pytest.approx([1.0])


def test_tags_are_one_whatever_their_case(clips):
    assert tag_preferences(watches([("u", "a", 5.0, 0), ("u", "c", 5.0, 0)]), clips).tags.tolist() == [
        "night",
        "rain",
        "sea",
    ]


def test_preferences_use_nothing_at_the_moment_or_after_it(clips):
    events = watches([("u", "a", 10.0, 0), ("u", "c", 10.0, 5)])
    past = tag_preferences(events, clips, moment=START + pd.Timedelta(days=5))
    assert "rain" not in past.tags.tolist()
    changed = events.assign(watch_seconds=[10.0, 1.0])
    again = tag_preferences(changed, clips, moment=START + pd.Timedelta(days=5))
    assert (past.matrix != again.matrix).nnz == 0


def test_an_old_watch_counts_half_after_its_half_life(clips):
    two = clips.assign(tags=["one", "two", None, None])
    events = watches([("u", "a", 10.0, 0), ("u", "b", 10.0, 7)])
    found = tag_preferences(events, two, moment=START + pd.Timedelta(days=14), half_life_days=7.0)
    old, new = found.matrix.toarray()[0]
    assert new / old == pytest.approx(2.0)
    with pytest.raises(ValueError, match="half_life_days must be above 0"):
        tag_preferences(events, two, half_life_days=0.0)


def ratings(rows: list[tuple[str, str, float, float]]) -> pd.DataFrame:
    """Make ratings from (person, clip, stars, day)."""
    return watches(rows).assign(kind="rating", value=[row[2] for row in rows])


def test_the_later_rating_stands_wherever_its_row_is():
    found = rating_matrix(ratings([("v", "b", 5.0, 2), ("v", "b", 1.0, 1), ("u", "a", 3.0, 0)]))
    assert found.user_ids.tolist() == ["u", "v"] and found.clip_ids.tolist() == ["a", "b"]
    assert found.matrix.toarray().tolist() == [[3.0, 0.0], [0.0, 5.0]]


def test_biases_follow_their_formulas_by_hand():
    found = rating_matrix(ratings([("u", "a", 5.0, 0), ("u", "b", 3.0, 0), ("v", "a", 4.0, 0)]))
    bias = rating_biases(found, user_weight=2.0, clip_weight=1.0)
    assert bias.mean == 4.0
    np.testing.assert_allclose(bias.clip, [(1 + 0) / 3, -1 / 2])
    np.testing.assert_allclose(bias.user, [(1 - 1 / 3 - 1 + 1 / 2) / 4, (0 - 1 / 3) / 3])


def test_planted_rating_habits_are_found():
    rng = np.random.default_rng(0)
    user, clip = rng.normal(0, 0.7, 200), rng.normal(0, 0.5, 60)
    rows = [
        (f"u{u:03d}", f"c{c:02d}", 3.0 + user[u] + clip[c] + rng.normal(0, 0.3), 0.0)
        for u in range(200)
        for c in rng.choice(60, 20, replace=False)
    ]
    bias = rating_biases(rating_matrix(ratings(rows)), user_weight=1.0, clip_weight=1.0)
    assert np.corrcoef(bias.user, user)[0, 1] > 0.95
    assert np.corrcoef(bias.clip, clip)[0, 1] > 0.9
    assert np.abs(rating_biases(rating_matrix(ratings(rows)), user_weight=1e6, clip_weight=1e6).user).max() < 1e-3


def test_no_rating_has_no_mean():
    with pytest.raises(ValueError, match="there is no rating"):
        rating_biases(rating_matrix(ratings([("u", "a", 3.0, 0)]).iloc[:0]))
    with pytest.raises(ValueError, match="weights must be 0 or above"):
        rating_biases(rating_matrix(ratings([("u", "a", 3.0, 0)])), user_weight=-1.0)


def test_nobody_watched_gives_empty_matrices(clips):
    nothing = watches([("u", "a", 1.0, 0)]).iloc[:0]
    assert confidence_matrices(nothing, clips).preference.shape == (0, 0)
    assert tag_preferences(nothing, clips, half_life_days=3.0).matrix.shape == (0, 0)
    assert play_counts(nothing).empty
