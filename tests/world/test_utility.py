"""Utility: one definition, additive, with the shares that its documentation states."""

import numpy as np
import pandas as pd
import pytest

from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.tastes import Tastes, sample_tastes
from avrec_lib.world.utility import (
    INTERCEPT,
    PARTS,
    encode_clips,
    taste_weights,
    utility,
    utility_parts,
    variance_shares,
)


@pytest.fixture(scope="module")
def tastes() -> Tastes:
    return sample_tastes(600, seed=7)


@pytest.fixture(scope="module")
def catalogue() -> pd.DataFrame:
    return sample_catalogue(480, seed=7)


def test_utility_is_the_sum_of_its_parts(tastes: Tastes, catalogue: pd.DataFrame) -> None:
    parts = utility_parts(tastes, catalogue, 20)
    assert tuple(parts) == PARTS
    whole = utility(tastes, catalogue, 20)
    assert whole.dtype == np.float32
    assert whole.shape == (600, 480)
    np.testing.assert_allclose(sum(parts.values()) + INTERCEPT, whole, atol=2e-4)
    np.testing.assert_array_equal(whole, utility(tastes, encode_clips(catalogue), 20))


def test_one_cell_agrees_with_the_formula_written_out(tastes: Tastes, catalogue: pd.DataFrame) -> None:
    clip, person, day = catalogue.iloc[11], tastes.take(np.array([4])), 30.0
    angle = float(person.turn[0]) * day
    mood = np.cos(angle) * person.mood[0].astype(float) + np.sin(angle) * person.mood_goal[0].astype(float)
    at = np.array([clip["valence"], clip["arousal"]])
    # Up to a constant of the person, liking falls with the squared distance of moods.
    distance = -((mood - at) ** 2).sum() + (mood**2).sum() + 0.6
    assert utility_parts(person, catalogue, day)["mood"][0, 11] == pytest.approx(1.15 * distance, abs=2e-3)
    appeal = utility_parts(person, catalogue, day)["appeal"][0, 11]
    assert appeal == pytest.approx(0.58 * clip["appeal"], abs=1e-4)


@pytest.mark.parametrize("seed", [1, 7])
def test_every_part_has_the_share_of_variance_that_is_documented(seed: int) -> None:
    shares = variance_shares(sample_tastes(600, seed=seed), sample_catalogue(480, seed=seed), 20)
    assert shares["share"].sum() == pytest.approx(1.0, abs=1e-5)
    documented = {
        "topic": 0.36,
        "mood": 0.12,
        "pace": 0.05,
        "instrument": 0.11,
        "setting": 0.11,
        "series": 0.11,
        "creator": 0.05,
        "quality": 0.04,
        "freshness": 0.01,
        "appeal": 0.04,
    }
    for part, share in documented.items():
        assert shares.loc[part, "share"] == pytest.approx(share, abs=0.03), part
    for part in ("instrument", "setting", "series"):
        assert 0.08 < shares.loc[part, "share"] < 0.13, part
    # What media and text show makes nearly all that is personal.
    visible = ["topic", "mood", "pace", "instrument", "setting", "series", "creator"]
    assert shares.loc[visible, "personal"].sum() > 0.95 * shares["personal"].sum()
    assert shares["personal"].sum() > 0.6


def test_tastes_drift_as_documented(tastes: Tastes, catalogue: pd.DataFrame) -> None:
    day = 40.0
    angle = tastes.turn.astype(float)[:, None] * day
    expected = np.cos(angle) * tastes.topic.astype(float) + np.sin(angle) * tastes.topic_goal.astype(float)
    weights = taste_weights(tastes, day)[:, :16]
    np.testing.assert_allclose(weights / weights.std(), expected / expected.std(), atol=0.01)

    def kept(until: float) -> float:
        first, last = taste_weights(tastes, 0.0)[:, :16], taste_weights(tastes, until)[:, :16]
        return float(np.corrcoef(first.ravel(), last.ravel())[0, 1])

    assert kept(7.0) > kept(21.0) > kept(42.0)
    assert kept(7.0) > 0.97
    assert 0.6 < kept(42.0) < 0.9
    # What is only heard, seen or read does not drift.
    np.testing.assert_array_equal(taste_weights(tastes, 0.0)[:, 16:], taste_weights(tastes, 42.0)[:, 16:])


def test_a_mood_shift_moves_utility_towards_clips_of_that_mood(tastes: Tastes, catalogue: pd.DataFrame) -> None:
    brighter = utility(tastes, catalogue, 3, mood_shift=np.tile([0.5, 0.0], (600, 1))) - utility(tastes, catalogue, 3)
    np.testing.assert_allclose(brighter, np.tile(1.15 * catalogue["valence"], (600, 1)), atol=1e-3)
    with pytest.raises(ValueError, match=r"\(600, 2\)"):
        utility(tastes, catalogue, 3, mood_shift=np.zeros(2))


def test_new_clips_charm_and_fade(tastes: Tastes, catalogue: pd.DataFrame) -> None:
    fresh = utility_parts(tastes, catalogue.assign(release_day=10.0), 10.0)["freshness"]
    week_old = utility_parts(tastes, catalogue.assign(release_day=3.0), 10.0)["freshness"]
    np.testing.assert_allclose(week_old / fresh, np.exp(-1.0), rtol=1e-4)


def test_an_unknown_level_is_named_with_its_row(catalogue: pd.DataFrame) -> None:
    broken = catalogue.copy()
    broken.loc[5, "instrument"] = "theremin"
    with pytest.raises(ValueError, match="row 5 has instrument 'theremin'"):
        encode_clips(broken)
