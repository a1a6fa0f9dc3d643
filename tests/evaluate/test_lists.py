import numpy as np
import pandas as pd
import pytest

from avrec_lib.evaluate import lists
from avrec_lib.evaluate.lists import full_lists, sampled_lists
from avrec_lib.evaluate.metrics import judge, recall
from avrec_lib.recommend.histories import Histories
from avrec_lib.recommend.neighbours import ItemNeighbours
from avrec_lib.recommend.popularity import Popularity
from avrec_lib.recommend.random import Random


def world(seed=0, n_people=80, n_items=50):
    rng = np.random.default_rng(seed)
    known = rng.random((n_people, n_items)) < 0.15
    liked = ~known & (rng.random((n_people, n_items)) < 0.1)
    people, items = np.array([f"u{u:02d}" for u in range(n_people)]), np.array([f"i{i:02d}" for i in range(n_items)])

    def rows(mask):
        user, item = np.nonzero(mask)
        return pd.DataFrame({"user_id": people[user], "item_id": items[item], "value": 1.0})

    time = pd.Timestamp("2026-01-01", tz="UTC").as_unit("us")
    return rows(known).assign(time=time), rows(liked)


def asked(relevant):
    return pd.Index(relevant["user_id"].unique())


def test_a_sampled_list_holds_what_was_liked_and_drawn_items_that_were_neither_liked_nor_met():
    known, relevant = world()
    people = asked(relevant)
    model = Random().fit(known)
    found = sampled_lists(model, people, relevant, known, k=50, negatives=7, seed=0, candidates=model.item_ids_)
    pairs = pd.MultiIndex.from_frame(found[["user_id", "item_id"]])
    liked = pd.MultiIndex.from_frame(relevant[["user_id", "item_id"]])
    assert pairs.is_unique and liked.isin(pairs).all()
    assert not pairs.isin(pd.MultiIndex.from_frame(known[["user_id", "item_id"]])).any()
    assert (found[~pairs.isin(liked)].groupby("user_id").size() == 7).all()
    assert (found.sort_values(["user_id", "rank"]).groupby("user_id")["score"].diff().dropna() <= 0.0).all()


def test_every_recommender_gets_the_same_draws_and_the_seed_changes_them():
    known, relevant = world()
    people = asked(relevant)

    def items(model, seed):
        table = sampled_lists(model, people, relevant, known, k=50, negatives=7, seed=seed, candidates=model.item_ids_)
        return set(zip(table["user_id"], table["item_id"], strict=True))

    assert items(Random().fit(known), 0) == items(Popularity().fit(known), 0) != items(Random().fit(known), 1)


def test_drawing_all_items_is_ranking_them_all():
    known, relevant = world()
    model, people = Popularity().fit(known), asked(relevant)
    whole = full_lists(model, people, k=10)
    drawn = sampled_lists(model, people, relevant, known, k=10, negatives=10_000, seed=3, candidates=model.item_ids_)
    pd.testing.assert_frame_equal(whole, drawn)


def test_fewer_drawn_items_flatter_a_recommender_that_knows_nothing():
    known, relevant = world(n_items=200)
    model, people = Random().fit(known), asked(relevant)
    honest = recall(judge(full_lists(model, people, k=10), relevant)).mean()
    few = sampled_lists(model, people, relevant, known, k=10, negatives=20, seed=0, candidates=model.item_ids_)
    assert recall(judge(few, relevant)).mean() > 3 * honest


def test_sampled_lists_in_blocks_are_the_same(monkeypatch):
    known, relevant = world()
    model, people = Popularity().fit(known), asked(relevant)
    whole = sampled_lists(model, people, relevant, known, k=10, negatives=9, seed=3, candidates=model.item_ids_)
    monkeypatch.setattr(lists, "_BLOCK", 120)
    blocks = sampled_lists(model, people, relevant, known, k=10, negatives=9, seed=3, candidates=model.item_ids_)
    pd.testing.assert_frame_equal(whole, blocks)


class Even:
    """Draws as they should be."""

    def __init__(self, seed):
        self.drawn = np.random.Generator(np.random.PCG64(seed))

    def random(self, shape, dtype):
        return self.drawn.random(shape, dtype=dtype)


class Coarse(Even):
    """Draws that are often equal."""

    def random(self, shape, dtype):
        return np.floor(super().random(shape, dtype) * 16) / np.float32(16)


class High(Even):
    """Draws so high that too few lie below where the lowest are looked for."""

    def random(self, shape, dtype):
        return np.float32(0.875) + super().random(shape, dtype) / np.float32(8)


@pytest.mark.parametrize("draws", [Even, Coarse, High])
@pytest.mark.parametrize("negatives", [1, 5, 30, 60])
def test_those_with_the_lowest_tickets_are_drawn_whatever_ties_or_how_few_are_left(negatives, draws, monkeypatch):
    known, relevant = world(n_items=60)
    greedy = pd.DataFrame({"user_id": "u00", "item_id": np.unique(known["item_id"])[3:], "value": 1.0})
    met = pd.concat([known, greedy[~greedy["item_id"].isin(known.loc[known["user_id"] == "u00", "item_id"])]])
    people, model = asked(relevant), Random(seed=1).fit(known)
    offered = pd.Index(model.item_ids_).sort_values()
    monkeypatch.setattr(np.random, "default_rng", draws)
    found = sampled_lists(model, people, relevant, met, k=60, negatives=negatives, seed=3, candidates=offered)

    tickets = np.random.default_rng([3, lists._STREAM]).random((len(people), len(offered)), dtype=np.float32)
    barred, wanted = (lists.cells(pairs, people, offered).toarray() for pairs in (met, relevant))
    tickets[barred | wanted] = 2.0
    drawn = np.zeros(tickets.shape, dtype=bool)
    np.put_along_axis(drawn, np.argpartition(tickets, negatives - 1, axis=1)[:, :negatives], values=True, axis=1)
    drawn &= tickets < 2.0
    if draws is Coarse:  # where equal tickets leave a choice, it is argpartition's
        edge = np.sort(tickets, axis=1)
        assert negatives == 60 or (edge[:, negatives - 1] == edge[:, negatives]).any()
    assert (lists.cells(found, people, offered).toarray() == (drawn | wanted)).all()


def test_a_sampled_list_is_chosen_among_few(monkeypatch):
    known, relevant = world(n_items=400)
    widths = []
    real = lists.top_k
    monkeypatch.setattr(lists, "top_k", lambda scores, k: widths.append(scores.shape[1]) or real(scores, k))
    model = Popularity().fit(known)
    sampled_lists(model, asked(relevant), relevant, known, k=10, negatives=9, seed=3, candidates=model.item_ids_)
    assert max(widths) == 9 + relevant.groupby("user_id").size().max()


def test_a_history_is_read_once_for_all_blocks(monkeypatch):
    known, relevant = world()
    model, people = Popularity().fit(known), asked(relevant)
    reads = []
    real = Histories.from_interactions
    monkeypatch.setattr(Histories, "from_interactions", lambda *table: reads.append(1) or real(*table))
    monkeypatch.setattr(lists, "_BLOCK", 120)
    sampled_lists(model, people, relevant, known, k=10, negatives=9, seed=3, candidates=model.item_ids_, history=known)
    assert len(reads) == 1
    full_lists(model, people, k=10, history=known)
    assert len(reads) == 2


def test_people_and_items_that_a_recommender_does_not_know_stay_without_a_list_or_a_place():
    known, relevant = world()
    extra = pd.DataFrame({"user_id": ["stranger", "u00"], "item_id": ["i01", "new"], "value": 1.0})
    relevant = pd.concat([relevant, extra])
    people, offered = asked(relevant), [*known["item_id"].unique(), "new"]
    model = ItemNeighbours().fit(known)
    for table in (
        full_lists(model, people, k=10, candidates=offered),
        sampled_lists(model, people, relevant, known, k=10, negatives=5, seed=0, candidates=offered),
    ):
        assert "stranger" not in set(table["user_id"]) and "new" not in set(table["item_id"])
        assert "u00" in set(table["user_id"])
    with pytest.raises(ValueError, match="negatives"):
        sampled_lists(model, people, relevant, known, k=10, negatives=0, seed=0, candidates=model.item_ids_)
