"""Last.fm-2K by content: artists known by their words and two kinds of sound, in the protocol of :mod:`.test_lastfm`.

Learned from train alone, validation masked in test, every choice made on validation.
"""

import numpy as np
import pandas as pd
import pytest

from avrec_lib.collect.datasets import load_dataset
from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import FeatureScaler, LearnedFusion
from avrec_lib.evaluate import metrics
from avrec_lib.evaluate.uncertainty import bootstrap_table
from avrec_lib.recommend import BilinearContent, ContentBased, ContentNeighbours

from .ranking import top_ten

HALF_A_DIGIT = 5e-5


@pytest.fixture
def loaded(needs_dataset):
    return load_dataset(needs_dataset("lastfm-2k"))


@pytest.fixture
def parts(loaded):
    return {name: part.drop(columns="part") for name, part in loaded.tables["interactions"].groupby("part")}


@pytest.fixture
def tables(loaded):
    found = {}
    for name, matrix in loaded.arrays.items():
        table = FeatureTable(np.arange(len(matrix)), matrix, np.ones(len(matrix), dtype=bool), name)
        found[name] = FeatureScaler("common", limit=None).fit(table).transform(table)
    return found


def by_person(model, parts, part="test"):
    """Return each person's nDCG@10."""
    people = pd.Index(parts[part]["user_id"].unique())
    lists = top_ten(model, people, met_since_fit=parts["validation"] if part == "test" else None)
    return metrics.ndcg(metrics.judge(lists, parts[part][["user_id", "item_id"]], k=10))


def chosen(candidates, parts, items):
    """Return the candidate, fitted on train, that does best on validation."""
    fitted = [model.fit(parts["train"], items=items) for model in candidates]
    return max(fitted, key=lambda model: by_person(model, parts, "validation").mean())


@pytest.mark.parametrize(
    ("name", "n_neighbours", "figure"),
    [("minilm", 10, 0.1510), ("minilm", 20, 0.1604), ("vggish", 10, 0.0349), ("whisper", 10, 0.0256)],
)
def test_neighbours_in_one_modality_give_the_measured_figure(parts, tables, name, n_neighbours, figure):
    model = ContentNeighbours(n_neighbours).fit(parts["train"], items=tables[name])
    assert by_person(model, parts).mean() == pytest.approx(figure, abs=HALF_A_DIGIT)


def gain(one, other):
    """Return the mean difference over people, with the ends of its interval."""
    return bootstrap_table(pd.DataFrame({"gain": one - other}), seed=0).loc["gain"]


def weighed(sounds):
    return {"whisper": sounds, "vggish": sounds, "minilm": 1.0}


def test_similarity_learned_on_all_modalities_beats_the_measured_figure_and_the_best_modality_alone(parts, tables):
    strengths = [(l2, l2_items) for l2 in (10.0, 30.0, 100.0) for l2_items in (0.01, 0.1, 1.0)]
    alone = chosen([BilinearContent(*one) for one in strengths], parts, tables["minilm"])
    together = [BilinearContent(*one, weighed(sounds)) for one in strengths for sounds in (0.3, 1.0)]
    together = chosen(together, parts, list(tables.values()))
    alone, together = by_person(alone, parts), by_person(together, parts)
    assert together.mean() == pytest.approx(0.246, abs=0.002)  # .1891 was measured for a similarity trained in steps
    assert gain(together, alone)["low"] > 0.0


def dealt(table, draw):
    """Give each artist the vector of another."""
    rows = np.random.default_rng(draw).permutation(table.matrix)
    return FeatureTable(table.ids, rows, table.present, table.name)


def test_wrong_sounds_add_to_words_and_random_numbers_nearly_replace_them_where_artists_were_met(parts, tables):
    alone = by_person(BilinearContent(30.0, 0.01).fit(parts["train"], items=tables["minilm"]), parts)
    wrong = []
    for draw in range(3):
        items = [tables["minilm"], *(dealt(tables[name], draw) for name in ("whisper", "vggish"))]
        wrong.append(by_person(BilinearContent(30.0, 0.01, weighed(0.3)).fit(parts["train"], items=items), parts))
    assert gain(sum(wrong) / len(wrong), alone)["low"] > 0.001  # columns name an artist, whatever is in them
    noise = np.random.default_rng(7).normal(size=(1425, 1024))
    noise = FeatureTable(np.arange(1425), noise, np.ones(1425, dtype=bool), "noise")
    named = by_person(BilinearContent(30.0, 0.01).fit(parts["train"], items=noise), parts)
    assert named.mean() == pytest.approx(0.217, abs=0.003)


@pytest.mark.parametrize(("names", "figure"), [(["minilm"], 0.264), (["whisper", "vggish", "minilm"], 0.265)])
def test_a_trained_network_beats_the_measured_figure_on_words_as_on_all_modalities(loaded, parts, names, figure):
    raw = [FeatureTable(np.arange(1425), loaded.arrays[n], np.ones(1425, dtype=bool), n) for n in names]
    fusion = LearnedFusion("gated", epochs=8, batch=128, seed=7).fit(raw, likes=parts["train"])
    model = ContentBased().fit(parts["train"], items=fusion.transform(raw))
    # .1891 was measured for a similarity trained in steps; seeds of the network differ by .004.
    assert by_person(model, parts).mean() == pytest.approx(figure, abs=0.008)


def test_artists_that_nobody_heard_yet_are_placed_by_a_learned_similarity_and_by_words_above_sounds(loaded, tables):
    table = loaded.tables["interactions"].drop(columns="part")
    group = np.random.default_rng(0).choice(["train", "validation", "test"], p=[0.6, 0.2, 0.2], size=1425)
    heard = table["user_id"][group[table["item_id"]] == "train"]
    table = table[table["user_id"].isin(set(heard))]
    cold = {name: part for name, part in table.groupby(group[table["item_id"]])}

    def placed(model, part):
        people = pd.Index(cold[part]["user_id"].unique())
        lists = model.recommend(people, k=10, candidates=np.flatnonzero(group == part))
        return metrics.ndcg(metrics.judge(lists, cold[part][["user_id", "item_id"]], k=10))

    def best(candidates, items):
        fitted = [model.fit(cold["train"], items=items) for model in candidates]
        return placed(max(fitted, key=lambda model: placed(model, "validation").mean()), "test")

    learned = {
        name: best([BilinearContent(10.0, l2_items) for l2_items in (1.0, 3.0, 10.0)], one)
        for name, one in tables.items()
    }
    together = [BilinearContent(10.0, l2_items, weighed(s)) for l2_items in (1.0, 3.0, 10.0) for s in (0.03, 0.1, 0.3)]
    learned["all"] = best(together, list(tables.values()))
    nearest = placed(ContentBased().fit(cold["train"], items=tables["minilm"]), "test")
    assert gain(learned["minilm"], nearest)["low"] > 0.0
    assert gain(learned["all"], learned["whisper"])["low"] > 0.0
    assert gain(learned["all"], learned["vggish"])["low"] > 0.0
    assert gain(learned["all"], learned["minilm"])["low"] > -0.005  # sounds add little to words, and take nothing


def test_a_little_sound_beside_words_helps_to_place_artists_that_nobody_heard_yet(loaded, tables):
    table = loaded.tables["interactions"].drop(columns="part")
    fifth = np.random.default_rng(7).permutation(1425) % 5
    found = {"alone": [], "together": []}
    for held in range(1, 5):  # the first was used to choose the strengths and the share of the sounds
        new = fifth[table["item_id"]] == held
        asked = table[new & table["user_id"].isin(table["user_id"][~new])]
        people = pd.Index(asked["user_id"].unique())
        for name, model, items in (
            ("alone", BilinearContent(10.0, 3.0), tables["minilm"]),
            ("together", BilinearContent(10.0, 3.0, weighed(0.01)), list(tables.values())),
        ):
            model.fit(table[~new], items=items)
            lists = model.recommend(people, k=10, candidates=np.flatnonzero(fifth == held))
            found[name].append(metrics.ndcg(metrics.judge(lists, asked[["user_id", "item_id"]], k=10)))
    alone, together = (pd.concat(found[name]).groupby(level=0).mean() for name in ("alone", "together"))
    assert alone.mean() == pytest.approx(0.4207, abs=0.003)
    assert gain(together, alone)["low"] > 0.0
