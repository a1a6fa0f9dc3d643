"""Behaviour: the log is what the documented model of people and policy says."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from avrec_lib import tables
from avrec_lib.world.behaviour import engagement, simulate_log, simulate_sessions, sort_events
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.people import People, days_since_start, sample_people
from avrec_lib.world.policy import logging_policy, plackett_luce, ranked_policy, score_policy
from avrec_lib.world.response import EXAMINATION, RATING_CHANCE, click_chance, rating_value, watch_fraction
from avrec_lib.world.sessions import MAX_SLATES, Slates, run_sessions
from avrec_lib.world.utility import utility


@pytest.fixture(scope="module")
def people() -> People:
    return sample_people(800, seed=7)


@pytest.fixture(scope="module")
def catalogue() -> pd.DataFrame:
    return sample_catalogue(480, seed=7)


@pytest.fixture(scope="module")
def log(people: People, catalogue: pd.DataFrame) -> pd.DataFrame:
    return simulate_log(people, catalogue, seed=7)


@pytest.fixture(scope="module")
def shown(people: People, catalogue: pd.DataFrame) -> Slates:
    return run_sessions(logging_policy(), people.users, people.tastes, catalogue, seed=7, first_day=0, days=42)


def gini(counts: np.ndarray) -> float:
    ordered = np.sort(counts).astype(float)
    n = len(ordered)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum()))


def test_same_seed_gives_the_same_log_and_another_seed_another() -> None:
    crowd, clips = sample_people(40, seed=3), sample_catalogue(60, seed=3)
    one = simulate_log(crowd, clips, seed=3)
    pd.testing.assert_frame_equal(one, simulate_log(crowd, clips, seed=3))
    assert not one["time"].equals(simulate_log(crowd, clips, seed=4)["time"])


def test_the_log_follows_its_schema_and_is_in_canonical_order(log: pd.DataFrame) -> None:
    tables.check(log, "events")
    assert log["time"].is_monotonic_increasing
    pd.testing.assert_frame_equal(log, sort_events(log.sample(frac=1.0, random_state=1)))
    filled = {kind: set(rows.columns[rows.notna().all()]) for kind, rows in log.groupby("kind")}
    always = {"user_id", "kind", "time", "session_id"}
    assert filled["impression"] == always | {"clip_id", "position", "propensity"}
    assert filled["watch"] == always | {"clip_id", "position", "watch_seconds"}
    assert filled["rating"] == always | {"clip_id", "position", "value"}
    assert filled["comment"] == always | {"clip_id", "position", "text"}
    assert filled["search"] == always | {"text"}


def test_nothing_happens_before_joining_or_release(log: pd.DataFrame, people: People, catalogue: pd.DataFrame) -> None:
    day = days_since_start(log["time"])
    joined = days_since_start(people.users["joined"])[people.tastes.rows(log["user_id"])]
    assert (day > joined).all()
    with_clip = log["clip_id"].notna().to_numpy()
    release = catalogue.set_index("clip_id")["release_day"].reindex(log.loc[with_clip, "clip_id"]).to_numpy()
    assert (day[with_clip] >= release).all()
    # The check has something to bite on: people and clips that come late do appear.
    assert (joined > 0).any()
    assert (release > 0).any()


def test_slates_hold_ten_clips_and_no_session_shows_a_clip_twice(log: pd.DataFrame) -> None:
    impressions = log[log["kind"] == "impression"]
    assert not impressions.duplicated(["session_id", "clip_id"]).any()
    slates = impressions.groupby(["session_id", "time"])["position"].agg(list)
    assert (slates.map(lambda places: places == list(range(1, 11)))).all()
    per_session = slates.groupby("session_id").size()
    assert 1 < per_session.mean() < MAX_SLATES
    assert per_session.max() == MAX_SLATES


def test_a_click_has_an_impression_and_a_watch_has_a_click(log: pd.DataFrame, catalogue: pd.DataFrame) -> None:
    key = ["session_id", "user_id", "clip_id", "position"]
    first = {kind: rows.set_index(key)["time"] for kind, rows in log.groupby("kind") if kind != "search"}
    assert (first["click"] > first["impression"].reindex(first["click"].index)).all()
    watch = log[log["kind"] == "watch"].set_index(key)
    assert len(watch) == len(first["click"])
    lasted = (watch["time"] - first["click"].reindex(watch.index)).dt.total_seconds()
    np.testing.assert_allclose(lasted, watch["watch_seconds"], atol=2e-6)
    for kind in ("like", "share", "comment", "rating"):
        assert (first[kind] > watch["time"].reindex(first[kind].index)).all(), kind
    length = catalogue.set_index("clip_id")["duration_seconds"].reindex(watch.index.get_level_values("clip_id"))
    assert (watch["watch_seconds"].to_numpy() <= length.to_numpy()).all()


def test_drawn_slates_and_their_propensities_are_plackett_luce() -> None:
    weights = np.array([4.0, 2.0, 1.0, 1.0, 0.0])
    draws = 60_000
    items, propensity = plackett_luce(np.tile(weights, (draws, 1)), np.random.default_rng(0), k=2)

    def chance(order: tuple[int, ...]) -> float:
        left, product = weights.sum(), 1.0
        for item in order:
            product *= weights[item] / left
            left -= weights[item]
        return product

    seen = pd.Series(map(tuple, items.tolist())).value_counts(normalize=True)
    for order in permutations(range(4), 2):
        mine = (items == order).all(axis=1)
        np.testing.assert_allclose(propensity[mine].prod(axis=1), chance(order), rtol=1e-12)
        assert seen[order] == pytest.approx(chance(order), abs=4 * np.sqrt(chance(order) / draws)), order
    assert not (items == 4).any()


def test_propensities_stay_chances_when_a_slate_takes_all_that_is_left() -> None:
    weights = np.random.default_rng(1).random((200, 10)) ** 8
    _, propensity = plackett_luce(weights, np.random.default_rng(2))
    assert (propensity[:, -1] == 1.0).all()
    assert ((propensity > 0.0) & (propensity <= 1.0)).all()
    with pytest.raises(ValueError, match="row 0 has 1 positive"):
        plackett_luce(np.array([[1.0, 0.0, 0.0]]), np.random.default_rng(0), k=2)


def test_logged_propensities_count_what_could_have_been_shown(log: pd.DataFrame, catalogue: pd.DataFrame) -> None:
    # The mean of 1 / propensity is the number of candidates: true only if propensities are the real chances.
    first = log[(log["kind"] == "impression") & (log["position"] == 1)].drop_duplicates("session_id")
    release = np.sort(catalogue["release_day"].to_numpy())
    candidates = np.searchsorted(release, days_since_start(first["time"]), side="right")
    error = (1.0 / first["propensity"].to_numpy() - candidates) / candidates
    assert abs(error.mean()) < 3.5 * error.std() / np.sqrt(len(error))
    assert error.std() / np.sqrt(len(error)) < 0.05
    # A clip nobody knows and a clip everybody clicks have different chances.
    assert first["propensity"].max() > 5 * first["propensity"].min()


def test_attention_falls_with_position_at_equal_utility(shown: Slates) -> None:
    looked = shown.clicked.sum(axis=0) / click_chance(shown.utility).sum(axis=0)
    np.testing.assert_allclose(looked, EXAMINATION, atol=0.05)
    liked = np.abs(shown.utility) < 1.0
    rate = np.array([shown.clicked[liked[:, k], k].mean() for k in range(10)])
    assert (np.diff(np.array([rate[:3].mean(), rate[3:6].mean(), rate[6:].mean()])) < 0).all()
    assert (np.diff(EXAMINATION) < 0).all()


def test_people_click_what_they_like_and_watch_it_longer(shown: Slates, catalogue: pd.DataFrame) -> None:
    top = shown.clicked[:, 0]
    bands = np.digitize(shown.utility[:, 0], [-3.0, -1.5, 0.0, 1.5])
    rates = np.array([top[bands == band].mean() for band in range(5)])
    expected = np.array([click_chance(shown.utility[bands == band, 0]).mean() for band in range(5)])
    np.testing.assert_allclose(rates, expected, atol=0.06)
    lengths = catalogue["duration_seconds"].to_numpy()[shown.clip]
    part, worth = (shown.watched / lengths)[shown.clicked], shown.utility[shown.clicked]
    mean = watch_fraction(worth, lengths[shown.clicked])
    for low, high in ((-9.0, 0.0), (0.0, 2.0), (2.0, 9.0)):
        band = (worth >= low) & (worth < high)
        assert part[band].mean() == pytest.approx(mean[band].mean(), abs=0.02)
    long = lengths[shown.clicked] > 6.5
    short = lengths[shown.clicked] < 5.5
    assert part[short].mean() > part[long].mean() + 0.05


def test_sessions_have_a_mood_of_their_own(shown: Slates, people: People, catalogue: pd.DataFrame) -> None:
    day = shown.session // 1_000_000
    some = np.flatnonzero(day == 20)
    plain = utility(people.tastes.take(shown.person[some]), catalogue, 20)
    gap = shown.utility[some] - np.take_along_axis(plain, shown.clip[some], axis=1)
    mood = catalogue[["valence", "arousal"]].to_numpy()[shown.clip[some]] * 2.0 * 1.15
    left = [gap[rows] - mood[rows] @ np.linalg.lstsq(mood[rows], gap[rows], rcond=None)[0] for rows in range(len(some))]
    assert gap.std() > 0.2
    # Whatever differs from the plain utility is one shift of valence and arousal a session.
    assert np.abs(left).max() < 1e-3


def test_the_world_is_healthy(log: pd.DataFrame, people: People, catalogue: pd.DataFrame) -> None:
    count = log["kind"].value_counts()
    rate = (
        log[log["kind"] == "click"]["position"].value_counts()
        / log[log["kind"] == "impression"]["position"].value_counts()
    )
    assert 50_000 < count["impression"] < 75_000
    assert 0.25 < rate[1] < 0.37
    assert 0.22 < rate[10] / rate[1] < 0.45
    assert 0.14 < count["click"] / count["impression"] < 0.21
    watch = log[log["kind"] == "watch"]
    length = catalogue.set_index("clip_id")["duration_seconds"].reindex(watch["clip_id"]).to_numpy()
    assert 0.5 < np.median(watch["watch_seconds"] / length) < 0.7
    clicks = log[log["kind"] == "click"]["clip_id"].value_counts().reindex(catalogue["clip_id"], fill_value=0)
    assert 0.38 < gini(clicks.to_numpy()) < 0.6
    early = log[days_since_start(log["time"]) < 32]
    assert 0.18 < 1 - catalogue["clip_id"].isin(early["clip_id"]).mean() < 0.32
    assert 0.10 < (days_since_start(people.users["joined"]) > 32).mean() < 0.15
    assert 0.15 < count["like"] / count["click"] < 0.40
    assert count["rating"] / count["click"] < 0.08
    hour = log[log["kind"] == "impression"]["time"].dt.hour
    assert hour.between(18, 22).mean() > 3 * hour.between(1, 5).mean()
    weekday = log.drop_duplicates("session_id")["time"].dt.day_of_week.value_counts()
    assert weekday[[4, 5]].mean() > weekday[[0, 1, 2]].mean()


def test_ratings_are_missing_not_at_random(shown: Slates, log: pd.DataFrame) -> None:
    would = rating_value(shown.utility[shown.clicked], np.random.default_rng(0).standard_normal(shown.clicked.sum()))
    said = log.loc[log["kind"] == "rating", "value"].to_numpy()
    assert said.mean() > would.mean() + 0.15
    assert np.isin(said, [1, 5]).mean() > np.isin(would, [1, 5]).mean() + 0.2
    # Given the rating that somebody would give, the chance of giving it is as documented.
    rate = np.array([(said == value).sum() / (would == value).sum() for value in range(1, 6)])
    np.testing.assert_allclose(rate, RATING_CHANCE, rtol=0.35)


def test_searches_name_what_people_like_and_turn_the_slate(shown: Slates, people: People) -> None:
    first = np.unique(shown.session, return_index=True)[1]
    term, person = shown.search[first, 0], shown.person[first]
    topics = (term >= 0) & (term < 16)
    liking = people.tastes.topic.astype(float)
    assert liking[person[topics], term[topics]].mean() > 0.8
    assert 0.30 < (term >= 0).mean() < 0.40


def test_searches_come_before_their_session_and_have_words(log: pd.DataFrame) -> None:
    searches = log[log["kind"] == "search"].set_index("session_id")
    slates = log[log["kind"] == "impression"].groupby("session_id")["time"].min()
    assert (searches["time"] < slates.reindex(searches.index)).all()
    assert searches.index.is_unique
    assert not searches["text"].str.contains("  ").any()
    assert (searches["text"].str.len() >= 3).all()
    assert "night drive" in " ".join(searches["text"])


def test_good_slates_keep_people_and_bring_them_back(people: People, catalogue: pd.DataFrame) -> None:
    truth = utility(people.tastes, catalogue, 49)
    policies = {
        "good": score_policy(truth),
        "poor": score_policy(-truth),
        "random": score_policy(np.random.default_rng(0).random(truth.shape)),
    }
    logs = {name: simulate_sessions(policy, people, catalogue, seed=7) for name, policy in policies.items()}
    facts = pd.DataFrame({name: engagement(log, n_people=800) for name, log in logs.items()})
    for fact in ("sessions_per_person", "slates_per_session", "clicks_per_slate", "watch_minutes_per_person"):
        assert facts.loc[fact, "good"] > 1.2 * facts.loc[fact, "random"] > 1.2 * facts.loc[fact, "poor"], fact
    for log in logs.values():
        tables.check(log, "events")
        assert days_since_start(log["time"]).min() >= 42 - 1e-3
    # The second week shows who came back.
    week = {name: (days_since_start(log["time"]) > 49).mean() * len(log) for name, log in logs.items()}
    assert week["good"] > 1.5 * week["poor"]


def test_a_recommenders_lists_are_shown_ten_by_ten() -> None:
    crowd, clips = sample_people(30, seed=5), sample_catalogue(60, seed=5)
    order = np.random.default_rng(0).permutation(60)

    def recommend(user_ids: pd.Index, k: int) -> pd.DataFrame:
        ids = clips["clip_id"].to_numpy(dtype=object)[order[:k]]
        ranks = np.tile(np.arange(1, len(ids) + 1), len(user_ids))
        return pd.DataFrame(
            {"user_id": np.repeat(user_ids, len(ids)), "item_id": np.tile(ids, len(user_ids)), "rank": ranks}
        )

    policy = ranked_policy(recommend, pd.Index(clips["clip_id"]), depth=25)
    slates = run_sessions(policy, crowd.users, crowd.tastes, clips, seed=5, first_day=42, days=21)
    _, first = np.unique(slates.session, return_index=True)
    assert (slates.clip[first] == order[:10]).all()
    np.testing.assert_array_equal(slates.propensity, 1.0)
    later = np.setdiff1d(np.arange(len(slates.session)), first)
    second = later[np.unique(slates.session[later], return_index=True)[1]]
    assert len(second) > 3
    assert (slates.clip[second] == order[10:20]).all()


def test_a_recommendation_that_does_not_exist_is_named() -> None:
    crowd, clips = sample_people(30, seed=5), sample_catalogue(60, seed=5)

    def recommend(user_ids: pd.Index, k: int) -> pd.DataFrame:
        return pd.DataFrame({"user_id": user_ids, "item_id": "c9999999", "rank": 1})

    with pytest.raises(ValueError, match="recommended 'c9999999' to 'u"):
        simulate_sessions(ranked_policy(recommend, pd.Index(clips["clip_id"])), crowd, clips, seed=5)


def test_too_few_clips_or_bots_among_the_users_are_refused() -> None:
    crowd = sample_people(20, seed=1)
    with pytest.raises(ValueError, match="nobody was served"):
        simulate_log(crowd, sample_catalogue(9, seed=1), seed=1)
    bot = pd.concat([crowd.users, crowd.users.tail(1).assign(user_id="u0000020")])
    with pytest.raises(ValueError, match="leave bots out"):
        simulate_log(crowd._replace(users=bot), sample_catalogue(60, seed=1), seed=1)
    with pytest.raises(ValueError, match="exploration"):
        logging_policy(exploration=0.0)


def test_truth_beats_popularity_beats_chance_on_what_people_clicked(
    shown: Slates, people: People, catalogue: pd.DataFrame
) -> None:
    day = shown.session // 1_000_000
    past, future = day < 32, day >= 32
    engaged = np.zeros((800, 480), dtype=bool)
    rows = np.nonzero(shown.clicked & future[:, None] & (shown.watched > 3.0))
    engaged[shown.person[rows[0]], shown.clip[rows]] = True
    popular = np.bincount(shown.clip[past][shown.clicked[past]], minlength=480).astype(float)
    scores = {
        "truth": utility(people.tastes, catalogue, 37),
        "popularity": np.tile(popular, (800, 1)),
        "chance": np.random.default_rng(0).random((800, 480)),
    }
    active = engaged.any(axis=1)
    discount = 1.0 / np.log2(np.arange(2, 12))
    ideal = np.cumsum(discount)[np.minimum(engaged.sum(axis=1), 10) - 1][active]
    ndcg = {}
    for name, score in scores.items():
        top = np.argsort(-score[active], axis=1)[:, :10]
        ndcg[name] = float((np.take_along_axis(engaged[active], top, axis=1) @ discount / ideal).mean())
    assert ndcg["truth"] > 1.3 * ndcg["popularity"]
    assert ndcg["popularity"] > 2.0 * ndcg["chance"]
