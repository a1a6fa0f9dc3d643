"""People: their tastes, what the platform knows of them, whom they know."""

import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from avrec_lib import tables
from avrec_lib.world.people import People, days_since_start, sample_people
from avrec_lib.world.segments import AGE_BANDS, REGIONS, SEGMENTS, segment_profiles
from avrec_lib.world.tastes import Tastes, person_ids, sample_tastes
from avrec_lib.world.topics import INSTRUMENTS, SERIES, SETTINGS, TOPICS


@pytest.fixture(scope="module")
def crowd() -> People:
    return sample_people(4000, seed=7)


def cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    table = pd.crosstab(a, b).to_numpy(dtype=float)
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    return float(np.sqrt(((table - expected) ** 2 / expected).sum() / table.sum() / (min(table.shape) - 1)))


def test_same_seed_gives_the_same_people_and_another_seed_others() -> None:
    one, again, other = (sample_people(50, seed=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one.users, again.users)
    pd.testing.assert_frame_equal(one.friends, again.friends)
    for name, array in one.tastes.to_arrays().items():
        assert array.tobytes() == again.tastes.to_arrays()[name].tobytes(), name
        assert array.tobytes() != other.tastes.to_arrays()[name].tobytes(), name
    assert not one.users["joined"].equals(other.users["joined"])


def test_users_follow_their_schema_and_rows_match_tastes(crowd: People) -> None:
    tables.check(crowd.users, "users")
    assert set(crowd.users["age_band"]) == set(AGE_BANDS)
    assert set(crowd.users["region"]) == set(REGIONS)
    assert (crowd.tastes.rows(crowd.users["user_id"]) == np.arange(len(crowd.users))).all()


def test_segments_name_only_things_that_exist_and_their_profiles_are_standardised() -> None:
    for segment in SEGMENTS:
        assert set(segment.topics) <= {topic.name for topic in TOPICS}
        assert set(segment.instruments) <= set(INSTRUMENTS)
        assert set(segment.settings) <= set(SETTINGS)
        assert set(segment.series) <= set(SERIES)
    assert set().union(*(segment.series for segment in SEGMENTS)) == set(SERIES)
    assert set().union(*(segment.topics for segment in SEGMENTS)) == {topic.name for topic in TOPICS}
    for name in ("topic", "instrument", "setting", "series"):
        profile = segment_profiles()[name]
        np.testing.assert_allclose(profile.mean(axis=1), 0.0, atol=1e-6)
        np.testing.assert_allclose((profile**2).mean(axis=1), 1.0, rtol=1e-5)


def test_segments_overlap_and_everybody_has_a_part_of_their_own(crowd: People) -> None:
    segments = crowd.tastes.segments.astype(float)
    np.testing.assert_allclose(segments.sum(axis=1), 1.0, atol=0.01)
    assert 0.3 < ((segments > 0.2).sum(axis=1) > 1).mean() < 0.9
    unit = segments / np.linalg.norm(segments, axis=1, keepdims=True)
    explained = unit @ segment_profiles()["instrument"] * np.sqrt(0.5)
    own = crowd.tastes.instrument.astype(float) - explained
    # Half of the taste is personal, and it is not the same for two people.
    assert own.var() == pytest.approx(0.5, rel=0.1)


def test_taste_spreads_widely_between_people(crowd: People) -> None:
    for name in ("topic", "instrument", "setting", "series"):
        taste = crowd.tastes.to_arrays()[name].astype(float)
        between = (taste - taste.mean(axis=0)).var()
        assert between > 0.85 * (taste**2).mean(), name
        assert (taste**2).mean() == pytest.approx(1.0, abs=0.2), name


def test_age_and_region_tell_a_little_about_taste_but_not_much(crowd: People) -> None:
    segment = np.argmax(crowd.tastes.segments, axis=1)
    shuffled = np.random.default_rng(0).permutation(segment)
    for column in ("age_band", "region"):
        level = crowd.users[column].to_numpy()
        assert 0.07 < cramers_v(segment, level) < 0.25, column
        assert cramers_v(shuffled, level) < 0.06, column


def test_friends_like_similar_things_more_than_strangers_do(crowd: People) -> None:
    friends = crowd.friends
    assert (friends["user_id"] < friends["friend_id"]).all()
    assert not friends.duplicated().any()
    degree = 2 * len(friends) / len(crowd.users)
    assert 4.0 < degree < 7.0
    taste = crowd.tastes.topic.astype(float)
    taste /= np.linalg.norm(taste, axis=1, keepdims=True)
    left, right = crowd.tastes.rows(friends["user_id"]), crowd.tastes.rows(friends["friend_id"])
    alike = (taste[left] * taste[right]).sum(axis=1).mean()
    strangers = (taste[left] * taste[np.random.default_rng(0).permutation(right)]).sum(axis=1).mean()
    assert alike > strangers + 0.15


def test_some_people_join_in_the_last_ten_days(crowd: People) -> None:
    joined = days_since_start(crowd.users["joined"])
    assert 0.10 < (joined > 32).mean() < 0.15
    assert 0.17 < (joined > 0).mean() < 0.23
    assert joined.max() < 41
    assert (days_since_start(sample_people(50, seed=1, late=0.0).users["joined"]) <= 0).all()


def test_tastes_survive_a_file_without_pickle(tmp_path) -> None:
    tastes = sample_tastes(30, seed=1)
    np.savez(tmp_path / "tastes.npz", **tastes.to_arrays())
    with np.load(tmp_path / "tastes.npz", allow_pickle=False) as stored:
        back = Tastes.from_arrays(stored)
    for name, array in tastes.to_arrays().items():
        np.testing.assert_array_equal(array, back.to_arrays()[name])


def test_incomplete_or_uneven_arrays_are_refused() -> None:
    arrays = sample_tastes(5, seed=1).to_arrays()
    with pytest.raises(ValueError, match="missing \\['turn'\\]"):
        Tastes.from_arrays({name: array for name, array in arrays.items() if name != "turn"})
    with pytest.raises(ValueError, match="unknown \\['luck'\\]"):
        Tastes.from_arrays(arrays | {"luck": arrays["turn"]})
    with pytest.raises(ValueError, match="as many rows"):
        Tastes.from_arrays(arrays | {"turn": arrays["turn"][:3]})


@pytest.mark.parametrize("stranger", ["u0000005", "u5", "c0000001", "", "u-000001", "uu000001", "u0000001.5"])
def test_a_stranger_has_no_tastes(stranger: str) -> None:
    tastes = sample_tastes(5, seed=1)
    with pytest.raises(KeyError, match="no tastes for"):
        tastes.rows(["u0000001", stranger])
    assert tastes.rows(pd.Series(["u0000004", "u0000000"], index=[9, 9])).tolist() == [4, 0]


def test_impossible_numbers_of_people_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one person"):
        sample_people(0, seed=1)
    with pytest.raises(ValueError, match="share in"):
        sample_people(5, seed=1, late=1.5)
    assert len(sample_people(1, seed=1).friends) == 0


def test_a_million_people_take_seconds_and_little_memory() -> None:
    tracemalloc.start()
    began = time.process_time()
    tastes = sample_tastes(1_000_000, seed=1)
    seconds = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(array.nbytes for array in tastes.to_arrays().values()) < 200e6
    assert peak < 600e6
    # Seconds of one core: four or so; a loop over people takes far more.
    assert seconds < 20.0
    assert person_ids(10**6, np.array([999_999]))[0] == "u0999999"
