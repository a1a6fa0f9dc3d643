import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import ndcg_score

from avrec_lib.content.extraction import extract
from avrec_lib.content.extractors import PICTURE, SOUND, WORDS
from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import product_of_experts
from avrec_lib.content.tagger import load_tagger
from avrec_lib.evaluate.panel import _PENALTIES, KNOWABLE, Panel, _regressed, true_attributes
from avrec_lib.world import load_world
from avrec_lib.world.oracle import Oracle
from avrec_lib.world.utility import PARTS


@pytest.fixture(scope="module")
def world():
    return load_world("smoke", seed=21)


def test_the_regression_is_scikit_learn_s():
    rng = np.random.default_rng(0)
    rows, known = rng.normal(size=(30, 5)), np.arange(20)
    rows -= rows[known].mean(axis=0)
    utility = rng.normal(size=(3, 20))
    theirs = Ridge(alpha=2.0).fit(rows[known], utility.T)
    expected = theirs.predict(rows).T - theirs.intercept_[:, None]
    np.testing.assert_allclose(_regressed(rows, known, utility, 2.0), expected, atol=1e-10)


def test_the_truth_ranks_best_chance_worst_and_all_three_above_each(world):
    panel = Panel(world)
    worth = Oracle(world).expected(panel.people, panel.clips, 35.0)
    assert panel.quality(worth).to_numpy() == pytest.approx(1.0)
    lot = panel.quality(np.random.default_rng(0).random(worth.shape)).mean()
    line = {one: panel.quality(panel.scores(true_attributes(world, [one]))).mean() for one in KNOWABLE}
    everything = panel.quality(panel.scores(true_attributes(world, list(KNOWABLE)))).mean()
    assert lot < min(line.values()) and max(line.values()) < everything < 1.0
    assert {part for parts in KNOWABLE.values() for part in parts} == set(PARTS) - {"freshness", "appeal"}


def test_nothing_of_the_judged_people_s_future_and_none_of_them_choose(world, monkeypatch):
    panel, table = Panel(world), true_attributes(world, ["text"])
    before = panel.scores(table)
    assert not set(panel.people) & set(panel.others)
    released = world.truth.clips["release_day"]
    assert (released[panel.past] < 28).all() and (released[panel.clips] >= 28).all()
    monkeypatch.setattr(panel, "_worth", np.flip(panel._worth))
    monkeypatch.setattr(panel, "_utility", np.where(np.isin(panel._clips, panel.past), panel._utility, 1e6))
    np.testing.assert_array_equal(panel.scores(table), before)


def test_where_the_last_week_brought_no_clip_the_two_latest_choose_the_penalty(world):
    released, panel = world.truth.clips["release_day"], Panel(world, week=28.0)
    latest = released[released < 28].nlargest(2)
    assert set(panel._clips[panel._last]) == set(latest.index)
    assert np.isfinite(panel.scores(true_attributes(world, ["text"]))).all()


def test_the_penalty_is_what_serves_others_best_in_the_last_week_of_the_past(world):
    panel, oracle, truth = Panel(world), Oracle(world), true_attributes(world, ["text"])
    noise = np.random.default_rng(0).normal(size=truth.matrix.shape)
    table = FeatureTable(truth.ids, truth.matrix + 0.4 * noise, truth.present, "truth and noise")
    day = world.truth.clips["release_day"].loc[table.ids].to_numpy()
    before, last, past = day < 21, (day >= 21) & (day < 28), day < 28
    rows = table.matrix - table.matrix[past].mean(axis=0, dtype=np.float64)

    def foretold(people, known, asked, penalty):
        utility = oracle.utility(people, table.ids[known], 35.0).astype(np.float64)
        utility -= utility.mean(axis=1, keepdims=True)
        return Ridge(alpha=penalty, fit_intercept=False).fit(rows[known], utility.T).predict(rows[asked]).T

    worth = oracle.expected(panel.others, table.ids[last], 35.0)
    good = [ndcg_score(worth, foretold(panel.others, before, last, one), k=10) for one in _PENALTIES]
    assert np.argmax(good) not in (0, len(good) - 1)
    expected = foretold(panel.people, past, day >= 28, _PENALTIES[np.argmax(good)])
    np.testing.assert_allclose(panel.scores(table), expected, atol=1e-6)


def test_a_missing_clip_is_an_average_one(world):
    panel, table = Panel(world), true_attributes(world, ["picture"])
    gone = table.ids == panel.clips[0]
    holes = FeatureTable(table.ids, np.where(gone[:, None], np.nan, table.matrix), ~gone, "truth")
    assert panel.scores(holes)[:, 0] == pytest.approx(0.0)


def test_a_clip_without_a_score_is_in_no_list_and_brings_nothing(world):
    panel = Panel(world)
    worth = Oracle(world).expected(panel.people, panel.clips, 35.0)
    for nothing in (np.nan, -np.inf):
        assert (panel.quality(np.full(worth.shape, nothing)) == 0.0).all()
        first = np.where(worth == worth.max(axis=1, keepdims=True), worth, nothing)
        half = panel.quality(first)
        assert (half < 1.0).all() and (half > 0.0).all()
    with pytest.raises(ValueError, match="of shape"):
        panel.quality(worth[:, :-1])


def test_a_description_that_knows_no_clip_of_the_past_takes_all_for_average(world):
    panel, table = Panel(world), true_attributes(world, ["text"])
    new = FeatureTable(table.ids, table.matrix, np.isin(table.ids, panel.clips), "truth")
    assert not panel.scores(new).any()


def test_more_than_all_of_the_past_are_nobody_s_favourites(world):
    panel = Panel(world)
    assert len(panel.favourites(1.0)) == len(panel.past) * len(panel.others)
    for share in (0.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match="share"):
            panel.favourites(share)


def test_favourites_are_the_best_of_the_past_for_each_of_the_others(world):
    panel = Panel(world)
    likes = panel.favourites(0.2)
    person = panel.others[3]
    utility = Oracle(world).utility([person], panel.past, 35.0)[0]
    mine = likes.loc[likes["user_id"] == person, "item_id"]
    assert set(mine) == set(panel.past[np.argsort(-utility)[: len(mine)]])
    assert likes.groupby("user_id").size().nunique() == 1 and set(likes["user_id"]) == set(panel.others)


def test_a_world_too_small_is_refused(world):
    with pytest.raises(ValueError, match="two clips at least"):
        Panel(world, future=10_000.0)


def test_fused_taggers_beat_each_alone_on_a_world_that_nobody_has_seen(world):
    found = extract(world, [WORDS, SOUND, PICTURE], progress=False)
    told = {name: load_tagger(name).transform(one.features) for name, one in found.items()}
    panel = Panel(world)
    alone = [panel.quality(panel.scores(table)).mean() for table in told.values()]
    fused = panel.quality(panel.scores(product_of_experts(list(told.values())))).mean()
    ceiling = panel.quality(panel.scores(true_attributes(world, list(told)))).mean()
    assert max(alone) < fused <= ceiling + 0.02
    truth = world.truth.clips
    for name, attribute in (("sound", "instrument"), ("picture", "setting"), ("text", "series")):
        table = told[name]
        known = table.origin["attributes"][attribute]
        here = [column.startswith(f"{attribute}: ") for column in table.columns]
        chances = table.matrix[table.present][:, here] + np.array(known["prior"])
        right = np.array(known["classes"])[chances.argmax(axis=1)] == truth[attribute].to_numpy()[table.present]
        assert right.mean() > 0.8, (name, attribute, right.mean())
