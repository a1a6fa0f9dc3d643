"""The oracle speaks of the same people as the log, and nobody beats it."""

from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from avrec_lib.world import sessions
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.oracle import Oracle
from avrec_lib.world.people import sample_people
from avrec_lib.world.policy import Policy, logging_policy, score_policy
from avrec_lib.world.response import EXAMINATION, SESSION_MOOD, click_chance, expected_watch
from avrec_lib.world.sessions import run_sessions
from avrec_lib.world.utility import MOOD_WEIGHT

PEOPLE = sample_people(300, seed=7)
CATALOGUE = sample_catalogue(80, seed=7)
IDS = PEOPLE.users["user_id"]
DAY = 45


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    # The truth's clips may be in any order: identifiers count.
    clips = CATALOGUE.sample(frac=1.0, random_state=3).set_index("clip_id")
    return Oracle(SimpleNamespace(truth=SimpleNamespace(clips=clips, tastes=PEOPLE.tastes), users=PEOPLE.users))


def slate(user: str, clips: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"user_id": user, "item_id": clips, "rank": range(1, len(clips) + 1)})


def test_oracle_and_behaviour_have_one_utility(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SESSION_MOOD", 0.0)
    shown = run_sessions(logging_policy(), PEOPLE.users, PEOPLE.tastes, CATALOGUE, seed=7, first_day=20, days=1)
    assert len(shown.person) > 10
    told = oracle.utility(IDS, CATALOGUE["clip_id"], 20)
    np.testing.assert_allclose(told[shown.person[:, None], shown.clip], shown.utility, atol=1e-4)


def test_expectations_over_moods_match_brute_force(oracle: Oracle) -> None:
    person, clips = IDS.iloc[[3]], CATALOGUE["clip_id"]
    grid = np.linspace(-8.0, 8.0, 4001)
    density = np.exp(-(grid**2) / 2.0)
    density /= density.sum()
    length = np.hypot(CATALOGUE["valence"], CATALOGUE["arousal"]).to_numpy()
    shift = 2.0 * MOOD_WEIGHT * SESSION_MOOD * length
    shifted = oracle.utility(person, clips, DAY)[0].astype(float) + grid[:, None] * shift
    np.testing.assert_allclose(oracle.expected(person, clips, DAY)[0], density @ click_chance(shifted), atol=1e-6)
    seconds = density @ expected_watch(shifted, CATALOGUE["duration_seconds"].to_numpy())
    told = oracle.expected(person, clips, DAY, objective="watch_seconds")[0]
    np.testing.assert_allclose(told, seconds, atol=1e-5)


def test_value_is_what_people_do_on_average(oracle: Oracle) -> None:
    # The same policy, run: first slates of many sessions, against the exact value.
    scores = np.random.default_rng(0).random((1, 80))
    order = np.argsort(-scores[0])[:10]
    policy: Policy = score_policy(scores)
    shown = run_sessions(policy, PEOPLE.users, PEOPLE.tastes, CATALOGUE, seed=1, first_day=DAY, days=40)
    first = np.unique(shown.session, return_index=True)[1]
    clicks = shown.clicked[first].sum(axis=1)
    seconds = shown.watched[first].sum(axis=1)
    day = shown.session[first] // 1_000_000
    exact = np.zeros((len(first), 2))
    for today in np.unique(day):
        mine = np.flatnonzero(day == today)
        people, back = np.unique(IDS.to_numpy(dtype=object)[shown.person[first][mine]], return_inverse=True)
        everyone = pd.concat([slate(user, CATALOGUE["clip_id"].iloc[order].tolist()) for user in people])
        exact[mine] = oracle.value(everyone, float(today)).loc[people].to_numpy()[back]
    assert len(first) > 800
    for measured, told in ((clicks, exact[:, 0]), (seconds, exact[:, 1])):
        gap = measured - told
        assert abs(gap.mean()) < 3.5 * gap.std() / np.sqrt(len(gap))
        assert gap.std() / np.sqrt(len(gap)) < 0.04 * told.mean()


@pytest.mark.parametrize("objective", ["clicks", "watch_seconds"])
def test_the_best_slate_beats_every_other_slate(oracle: Oracle, objective: str) -> None:
    user, few = IDS.iloc[5], CATALOGUE["clip_id"].iloc[[2, 9, 30, 41, 77]].tolist()
    best = oracle.best_slate([user], DAY, 3, few, objective=objective)
    assert best["rank"].tolist() == [1, 2, 3]
    top = oracle.value(best, DAY)[objective].iloc[0]
    others = {order: oracle.value(slate(user, list(order)), DAY)[objective].iloc[0] for order in permutations(few, 3)}
    assert len(others) == 60
    assert top == pytest.approx(max(others.values()))
    assert max(others, key=lambda order: others[order]) == tuple(best["item_id"])
    assert top > min(others.values())


def test_regret_is_zero_for_the_best_slate_and_positive_for_others(oracle: Oracle) -> None:
    best = oracle.best_slate(IDS, DAY)
    np.testing.assert_allclose(oracle.regret(best, DAY), 0.0, atol=1e-12)
    worse = best.assign(rank=11 - best["rank"])
    assert (oracle.regret(worse, DAY) > 0).all()
    assert (oracle.regret(worse, DAY, objective="watch_seconds") > 0).all()
    assert (oracle.value(best, DAY)["clicks"] - oracle.value(worse, DAY)["clicks"]).to_numpy() == pytest.approx(
        oracle.regret(worse, DAY).to_numpy()
    )


def test_only_released_clips_are_candidates(oracle: Oracle) -> None:
    early = oracle.best_slate(IDS, 5.0)
    release = CATALOGUE.set_index("clip_id")["release_day"]
    assert (release[early["item_id"]] <= 5.0).all()
    assert (release > 5.0).any()
    assert set(oracle.released(5.0)) == set(release.index[release <= 5.0])


def test_chances_and_slates_have_the_same_value(oracle: Oracle) -> None:
    users, clips = IDS.iloc[:4].tolist(), CATALOGUE["clip_id"].iloc[:12].tolist()
    sure = np.zeros((4, 10, 12))
    sure[:, np.arange(10), np.arange(10)] = 1.0
    slates = pd.concat([slate(user, clips[:10]) for user in users])
    certain = oracle.value(sure, DAY, user_ids=users, clip_ids=clips)
    pd.testing.assert_frame_equal(certain, oracle.value(slates, DAY))
    swapped = sure[:, ::-1]
    mixed = oracle.value(0.25 * sure + 0.75 * swapped, DAY, user_ids=users, clip_ids=clips)
    other = oracle.value(swapped, DAY, user_ids=users, clip_ids=clips)
    pd.testing.assert_frame_equal(mixed, 0.25 * certain + 0.75 * other)
    by_hand = (oracle.expected(users, clips[:10], DAY) * EXAMINATION).sum(axis=1)
    np.testing.assert_allclose(certain["clicks"], by_hand)


def test_a_slate_or_policy_that_cannot_be_is_refused(oracle: Oracle) -> None:
    user, clips = IDS.iloc[0], CATALOGUE["clip_id"].iloc[:10].tolist()
    with pytest.raises(KeyError, match="c9999999"):
        oracle.value(slate(user, ["c9999999"]), DAY)
    with pytest.raises(KeyError, match="u0000300"):
        oracle.value(slate("u0000300", clips), DAY)
    with pytest.raises(ValueError, match="item_id c0000000 twice"):
        oracle.value(slate(user, [clips[0], clips[0]]), DAY)
    with pytest.raises(ValueError, match="rank 1 twice"):
        oracle.value(slate(user, clips).assign(rank=1), DAY)
    with pytest.raises(ValueError, match="ranks must be 1 to 10, got 0"):
        oracle.value(slate(user, clips).assign(rank=range(10)), DAY)
    with pytest.raises(ValueError, match="missing \\['rank'\\]"):
        oracle.value(slate(user, clips).drop(columns="rank"), DAY)
    with pytest.raises(ValueError, match="1 <= k <= 10"):
        oracle.best_slate([user], DAY, 11, clips)
    with pytest.raises(ValueError, match="objective"):
        oracle.best_slate([user], DAY, 3, clips, objective="joy")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ValueError, match="user_ids and clip_ids"):
        oracle.value(np.ones((1, 1, 1)), DAY)
    with pytest.raises(ValueError, match=r"\(1, 1 to 10, 10\)"):
        oracle.value(np.ones((1, 10)), DAY, user_ids=[user], clip_ids=clips)
    with pytest.raises(ValueError, match="more than 1"):
        oracle.value(np.ones((1, 1, 10)), DAY, user_ids=[user], clip_ids=clips)
