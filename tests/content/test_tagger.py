import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError

from avrec_lib.content.checked_files import DamagedFileError, read_checked, write_checked
from avrec_lib.content.extractors import PICTURE, SOUND, WORDS
from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import pool_opinions, product_of_experts
from avrec_lib.content.tagger import Tagger, load_tagger
from avrec_lib.content.text.hashing import describe_words


def annotated(n=400, seed=0, name="sound", noise=0.3):
    """Make clips whose kind and tempo are in their vectors, with noise, and whose mood is not."""
    rng = np.random.default_rng(seed)
    kind, tempo, mood = rng.integers(0, 3, n), rng.normal(120.0, 20.0, n), rng.normal(size=n)
    directions = np.random.default_rng(99).normal(size=(4, 12))
    matrix = directions[kind] + ((tempo - 120.0) / 20.0)[:, None] * directions[3] + noise * rng.normal(size=(n, 12))
    ids = np.array([f"{seed}-{i}" for i in range(n)], dtype=object)
    present = np.arange(n) % 10 > 0
    truth = pd.DataFrame({"tempo": tempo, "kind": np.array(["a", "b", "c"])[kind], "mood": mood}, index=ids)
    return FeatureTable(ids, matrix, present, name, tuple(f"x{i}" for i in range(12))), truth


def fitted(**options):
    return Tagger(hidden=16, epochs=30, batch=32, **options).fit(*annotated()).calibrate(*annotated(seed=1))


def test_a_tagger_reads_off_new_clips_what_is_there_and_is_silent_about_what_is_not():
    table, truth = annotated(seed=2)
    told = fitted().transform(table)
    assert told.columns == ("tempo", "kind: a", "kind: b", "kind: c", "mood")
    np.testing.assert_array_equal(told.present, table.present)
    there, said = truth[table.present], told.matrix[table.present]
    named = np.array(["a", "b", "c"])[
        (said[:, 1:4] + np.array(told.origin["attributes"]["kind"]["prior"])).argmax(axis=1)
    ]
    assert (named == there["kind"]).mean() > 0.9
    assert np.corrcoef(said[:, 0], there["tempo"])[0, 1] > 0.9
    assert np.abs(said[:, 4]).mean() < 0.2 < np.abs(said[:, 0]).mean()
    np.testing.assert_allclose(said[:, 1:4].sum(axis=1), 0.0, atol=1e-5)


def test_calibration_takes_back_what_a_network_is_too_sure_of():
    table, _ = annotated(seed=2, noise=2.0)
    tagger = Tagger(hidden=16, epochs=30, batch=32).fit(*annotated(noise=2.0)).calibrate(*annotated(seed=1, noise=2.0))
    told, temperature = tagger.transform(table), tagger.attributes_["kind"]["temperature"]
    with torch.no_grad():
        for parameter in tagger.network_[-1].parameters():
            parameter *= 4.0
    surer = tagger.transform(table)
    assert np.abs(surer.matrix[table.present]).mean() > 1.2 * np.abs(told.matrix[table.present]).mean()
    tagger.calibrate(*annotated(seed=1, noise=2.0))
    assert tagger.attributes_["kind"]["temperature"] == pytest.approx(4.0 * temperature, rel=0.01)
    np.testing.assert_allclose(
        tagger.transform(table).matrix[table.present][:, 1:4], told.matrix[table.present][:, 1:4], atol=0.01
    )
    known = fitted().attributes_
    assert known["tempo"]["unexplained"] < 0.2 < 0.9 < known["mood"]["unexplained"]


def test_a_saved_tagger_says_the_same_and_keeps_the_order_of_attributes(tmp_path):
    tagger, (table, _) = fitted(), annotated(seed=2)
    tagger.save(tmp_path / "t.safetensors")
    back = Tagger.load(tmp_path / "t.safetensors")
    one, other = tagger.transform(table), back.transform(table)
    assert one.columns == other.columns and list(back.attributes_) == ["tempo", "kind", "mood"]
    np.testing.assert_allclose(one.matrix[one.present], other.matrix[one.present], atol=5e-3)


def test_a_damaged_or_foreign_file_is_refused_by_name(tmp_path):
    path = tmp_path / "t.safetensors"
    fitted().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(DamagedFileError, match=r"t\.safetensors"):
        Tagger.load(path)
    path.write_bytes(whole)
    arrays, manifest = read_checked(path)
    for change in ({"format": "other"}, {"attributes": []}, {"parameters": {"hidden": 8}}, {"parameters": {"no": 1}}):
        write_checked(path, arrays, json.loads(json.dumps(manifest)) | change)
        with pytest.raises(DamagedFileError, match=r"t\.safetensors"):
            Tagger.load(path)


def test_bad_input_is_named():
    table, truth = annotated()
    with pytest.raises(NotFittedError):
        Tagger().transform(table)
    holes = truth.copy()
    holes.iloc[5, 1] = None
    with pytest.raises(ValueError, match="'0-5' lacks an annotation"):
        Tagger().fit(table, holes)
    with pytest.raises(KeyError, match="stranger"):
        Tagger().fit(table, truth.rename({"0-3": "stranger"}))
    with pytest.raises(ValueError, match="hidden"):
        Tagger(hidden=3).fit(table, truth)
    with pytest.raises(ValueError, match="zscore or common"):
        Tagger(scale="robust").fit(table, truth)
    tagger = fitted()
    with pytest.raises(ValueError, match="none of the classes"):
        tagger.calibrate(table, truth.assign(kind="z"))
    with pytest.raises(ValueError, match="that the tagger was fitted on"):
        tagger.transform(FeatureTable(table.ids, table.matrix, table.present, "sound"))
    with pytest.raises(ValueError, match="picture, sound, text, not for 'smell'"):
        load_tagger("smell")


def test_the_same_seed_gives_the_same_tagger_and_another_another():
    table, _ = annotated(seed=2)
    one, again, other = (fitted(seed=seed).transform(table).matrix[table.present] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize(("modality", "extractor"), [("text", WORDS), ("sound", SOUND), ("picture", PICTURE)])
def test_the_library_s_taggers_read_the_columns_of_its_extractors(modality, extractor):
    tagger = load_tagger(modality)
    assert tagger.columns_ == extractor.columns
    assert Path(f"avrec_lib/content/taggers/{modality}.safetensors").name.startswith(modality)
    known = tagger.attributes_
    assert len(known["topic"]["classes"]) == 16 and 0.0 < known["arousal"]["unexplained"] < 0.6
    for one in known.values():
        if "classes" in one:
            assert sum(one["prior"]) == pytest.approx(1.0)


def test_words_go_to_the_same_columns_whatever_else_is_written():
    one = describe_words(["Thunder over the sea", "", "the sea"], width=64)
    alone = describe_words(["thunder over the sea"], width=64)
    np.testing.assert_array_equal(one[0], alone[0])
    assert np.isnan(one[1]).all() and np.linalg.norm(one[0]) == pytest.approx(1.0)
    assert not np.allclose(describe_words(["sea the"], width=4096), describe_words(["the sea"], width=4096))


def opinion(name, kinds, numbers, prior=(0.5, 0.25, 0.25), unexplained=0.5, present=None):
    """Make a tagger's table: chances of a, b and c, and a number."""
    kinds, n = np.array(kinds), len(kinds)
    attributes = {
        "kind": {"classes": ["a", "b", "c"], "prior": list(prior), "temperature": 1.0},
        "mood": {"mean": 0.0, "deviation": 1.0, "slope": 1.0, "unexplained": unexplained},
    }
    matrix = np.column_stack([kinds - np.array(prior), numbers])
    there = np.ones(n, dtype=bool) if present is None else np.array(present)
    columns = ("kind: a", "kind: b", "kind: c", "mood")
    return FeatureTable(np.arange(n), matrix, there, name, columns, {"attributes": attributes})


def test_a_product_of_experts_is_bayes_rule():
    rng = np.random.default_rng(0)
    prior = np.array([0.5, 0.25, 0.25])
    likelihoods = rng.random((2, 50, 3))
    each = [one * prior / (one * prior).sum(axis=1, keepdims=True) for one in likelihoods]
    both = likelihoods[0] * likelihoods[1] * prior
    both /= both.sum(axis=1, keepdims=True)
    fused = product_of_experts([opinion(name, one, np.zeros(50)) for name, one in zip("xy", each, strict=True)])
    np.testing.assert_allclose(fused.matrix[:, :3] + prior, both, atol=1e-5)


def test_numbers_are_weighed_by_what_each_expert_knows():
    # A truth of variance 1, seen with noise of variances 1 and 3: each expert alone leaves 1/2 and 3/4 unexplained.
    rng = np.random.default_rng(1)
    truth = rng.normal(size=20_000)
    seen = truth + rng.normal(size=20_000), truth + np.sqrt(3.0) * rng.normal(size=20_000)
    flat = np.tile([0.5, 0.25, 0.25], (20_000, 1))
    tables = [opinion("x", flat, seen[0] / 2, unexplained=0.5), opinion("y", flat, seen[1] / 4, unexplained=0.75)]
    fused = product_of_experts(tables).matrix[:, 3]
    np.testing.assert_allclose(fused, (seen[0] + seen[1] / 3) / (1 + 1 + 1 / 3), atol=1e-4)
    left = [np.square(truth - one).mean() for one in (seen[0] / 2, seen[1] / 4, fused)]
    assert left[2] < min(left[:2]) and left[2] == pytest.approx(3 / 7, abs=0.02)


def test_an_expert_who_is_absent_or_knows_nothing_changes_nothing():
    sure = [[0.9, 0.05, 0.05], [0.2, 0.4, 0.4]]
    first = opinion("x", sure, [0.4, -0.2])
    prior = [[0.5, 0.25, 0.25]] * 2
    ignorant = opinion("y", prior, [0.0, 0.0], unexplained=1.0)
    np.testing.assert_allclose(product_of_experts([first, ignorant]).matrix, first.matrix, atol=1e-6)
    absent = opinion("y", sure, [3.0, 3.0], present=[False, False])
    np.testing.assert_allclose(product_of_experts([first, absent]).matrix, first.matrix, atol=1e-6)
    nobody = product_of_experts([opinion("x", sure, [0, 0], present=[True, False])])
    assert nobody.present.tolist() == [True, False]


def test_experts_who_speak_of_different_things_are_refused():
    first = opinion("x", [[1, 0, 0]], [0])
    with pytest.raises(ValueError, match="distinct names"):
        product_of_experts([first, first])
    with pytest.raises(ValueError, match="no opinions of a tagger"):
        product_of_experts([FeatureTable(np.arange(2), np.eye(2), np.ones(2, dtype=bool), "raw")])
    other = opinion("y", [[1, 0, 0]], [0])
    other.origin["attributes"]["kind"]["classes"] = ["a", "b", "d"]
    with pytest.raises(ValueError, match="kind"):
        product_of_experts([first, other])


def test_clips_of_one_group_speak_together_and_the_others_for_themselves():
    flat = [[0.5, 0.25, 0.25]] * 5
    table = opinion("x", flat, [0.2, 0.4, 0.6, -0.3, 9.0], unexplained=0.5, present=[True] * 4 + [False])
    groups = pd.Series(["a", "a", "a", None, "a"], index=np.arange(5))
    pooled = pool_opinions(table, groups, ["mood", "not known"])
    np.testing.assert_allclose(pooled.matrix[:4, 3], [0.6, 0.6, 0.6, -0.3], atol=1e-6)  # 1.2 / 0.5 over 1 + 3
    assert pooled.present.tolist() == table.present.tolist()
    np.testing.assert_array_equal(pooled.matrix[:4, :3], table.matrix[:4, :3])
    left = pooled.origin["attributes"]["mood"]["unexplained"]
    assert left == pytest.approx((3 * 0.25 + 0.5) / 4) and table.origin["attributes"]["mood"]["unexplained"] == 0.5


def test_pooling_is_a_product_over_clips():
    flat = np.tile([0.5, 0.25, 0.25], (2, 1))
    both = pool_opinions(opinion("x", flat, [0.3, -0.1], unexplained=0.4), pd.Series("a", index=[0, 1]), ["mood"])
    one, other = (opinion(name, flat[:1], [z], unexplained=0.4) for name, z in (("x", 0.3), ("y", -0.1)))
    np.testing.assert_allclose(both.matrix[0, 3], product_of_experts([one, other]).matrix[0, 3], atol=1e-6)


def test_what_cannot_be_pooled_is_refused():
    table, groups = opinion("x", [[1, 0, 0]], [0]), pd.Series("a", index=[0])
    with pytest.raises(ValueError, match="kind: numbers can be pooled"):
        pool_opinions(table, groups, ["kind"])
    with pytest.raises(ValueError, match="no opinions of a tagger"):
        pool_opinions(FeatureTable(np.arange(2), np.eye(2), np.ones(2, dtype=bool), "raw"), groups, ["mood"])
