import copy
import json

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError

from avrec_lib.content import tagger as tagger_module
from avrec_lib.content.checked_files import DamagedFileError, read_checked, write_checked
from avrec_lib.content.extractors import PICTURE, SOUND, WORDS
from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import product_of_experts
from avrec_lib.content.tagger import Tagger, load_tagger
from training.__main__ import ATTRIBUTES, TAGGERS


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


def parameter(name, value):
    return lambda arrays, manifest: manifest["parameters"].update({name: value})


def known(number, **values):
    return lambda arrays, manifest: manifest["attributes"][number][1].update(values)


def array(name, value):
    return lambda arrays, manifest: arrays.update({name: value})


FORGED = {
    "a size below none": parameter("hidden", -2),
    "a size that is text": parameter("hidden", "16"),
    "a limit below 0": parameter("limit", -1.0),
    "a limit that is text": parameter("limit", "5"),
    "a weight that is no number": array("1.weight", np.full((16, 12), np.nan, np.float16)),
    "a weight without bounds": array("1.bias", np.full(16, np.inf, np.float16)),
    "one weight more": array("9.bias", np.zeros(3, np.float16)),
    "a centre that is a table": array("centre", np.zeros((12, 3), np.float32)),
    "a centre in another type": array("centre", np.zeros(12)),
    "a spread for all columns": array("spread", np.ones(1, np.float32)),
    "a spread of nothing": array("spread", np.zeros(12, np.float32)),
    "a spread that is no number": array("spread", np.full(12, np.nan, np.float32)),
    "one name of twelve": lambda arrays, manifest: manifest.update(columns=["x0"]),
    "an attribute twice": lambda arrays, manifest: manifest["attributes"].append(manifest["attributes"][0]),
    "an attribute without words": lambda arrays, manifest: manifest["attributes"][0].__setitem__(1, [1]),
    "no temperature": lambda arrays, manifest: manifest["attributes"][1][1].pop("temperature"),
    "a temperature of 0": known(1, temperature=0.0),
    "a temperature that is text": known(1, temperature="1"),
    "shares of fewer classes": known(1, prior=[1.0]),
    "a class that nobody has": known(1, prior=[0.0, 0.0, 1.0]),
    "classes that are a word": known(1, classes="abc"),
    "classes that are numbers": known(1, classes=[1, 2, 3]),
    "a class twice": known(1, classes=["a", "a", "b"]),
    "a slope that is text": known(0, slope="1"),
    "a slope that turns round": known(0, slope=-1.0),
    "nothing unexplained": known(0, unexplained=0.0),
}


@pytest.fixture(scope="module")
def parts_of_a_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("tagger") / "whole"
    fitted().save(path)
    return read_checked(path)


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_file_made_on_purpose_is_refused_by_name_before_anything_is_made_of_it(change, parts_of_a_file, tmp_path):
    arrays, manifest = copy.deepcopy(parts_of_a_file)
    change(arrays, manifest)
    write_checked(tmp_path / "forged", arrays, manifest)
    with pytest.raises(DamagedFileError, match="forged: is no tagger"):
        Tagger.load(tmp_path / "forged")


def test_a_network_that_would_fill_the_memory_is_never_made(parts_of_a_file, tmp_path):
    arrays, manifest = copy.deepcopy(parts_of_a_file)
    manifest["parameters"]["hidden"] = 10**9
    write_checked(tmp_path / "forged", arrays, manifest)
    with pytest.raises(DamagedFileError, match="size mismatch"):  # and not that there is no memory
        Tagger.load(tmp_path / "forged")


def test_a_number_that_is_the_same_for_all_is_known_by_nobody(tmp_path):
    table, truth = annotated()
    new, theirs = annotated(seed=1)
    tagger = Tagger(hidden=16, epochs=2).fit(table, truth.assign(mood=1.0)).calibrate(new, theirs.assign(mood=1.0))
    assert tagger.attributes_["mood"]["unexplained"] == 1.0
    tagger.save(tmp_path / "tagger")
    fused = product_of_experts([Tagger.load(tmp_path / "tagger").transform(new)])
    np.testing.assert_allclose(fused.matrix[fused.present, -1], 0.0, atol=1e-6)


def test_calibration_that_is_refused_leaves_the_tagger_as_it_was():
    tagger, (table, truth) = fitted(), annotated(seed=3)
    before = copy.deepcopy(tagger.attributes_)
    with pytest.raises(ValueError, match="float"):
        tagger.calibrate(table, truth.assign(mood="good"))
    assert tagger.attributes_ == before


def test_clips_are_told_the_same_in_parts_and_when_there_are_none(monkeypatch):
    tagger, (table, _) = fitted(), annotated(seed=2)
    whole = tagger.transform(table)
    monkeypatch.setattr(tagger_module, "_CLIPS_AT_ONCE", 7)
    np.testing.assert_allclose(tagger.transform(table).matrix, whole.matrix, atol=1e-5)
    absent = FeatureTable(table.ids, table.matrix, np.zeros(len(table), dtype=bool), "sound", table.columns)
    assert not tagger.transform(absent).present.any() and len(tagger.transform(table.select([]))) == 0


def test_what_is_beyond_the_limit_is_cut_there():
    tagger, (table, _) = fitted(limit=3.0), annotated(seed=2)
    far, farther = (
        FeatureTable(table.ids, table.matrix + size, table.present, "sound", table.columns) for size in (1e3, 1e6)
    )
    np.testing.assert_array_equal(tagger.transform(far).matrix, tagger.transform(farther).matrix)
    assert np.abs(tagger.transform(far).matrix - tagger.transform(table).matrix)[table.present].max() > 0.1


def test_a_column_that_never_varied_in_training_says_nothing_of_new_clips():
    (table, truth), (new, theirs), odd = annotated(), annotated(seed=1), annotated(seed=2)[0]

    def with_last(features, value):
        matrix = np.column_stack([features.matrix[:, :-1], np.full(len(features), value)])
        return FeatureTable(features.ids, matrix, features.present, features.name, features.columns)

    tagger = Tagger(hidden=16, epochs=2).fit(with_last(table, 3.0), truth).calibrate(with_last(new, 3.0), theirs)
    one, other = (tagger.transform(with_last(odd, value)).matrix for value in (3.0, 9.0))
    np.testing.assert_array_equal(one, other)


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
    for limit in (-1.0, 0.0, float("nan")):
        with pytest.raises(ValueError, match="limit is above 0"):
            Tagger(limit=limit).fit(table, truth)
    with pytest.raises(ValueError, match="'0-0' lacks an annotation"):
        Tagger().fit(table, truth.assign(tempo=np.inf))
    with pytest.raises(ValueError, match="must be an attribute"):
        Tagger().fit(table, truth[[]])
    tagger = fitted()
    with pytest.raises(ValueError, match="none of the classes"):
        tagger.calibrate(table, truth.assign(kind="z"))
    with pytest.raises(ValueError, match="that the tagger was fitted on"):
        tagger.transform(FeatureTable(table.ids, table.matrix, table.present, "sound"))
    with pytest.raises(ValueError, match="picture, sound, text, not for 'smell'"):
        load_tagger("smell")


def test_the_same_seed_gives_the_same_tagger_and_another_another():
    table, _ = annotated(seed=2)
    said = []
    for seed, elsewhere in ((0, 5), (0, 6), (1, 5)):
        torch.manual_seed(elsewhere)  # what others drew before is of no matter
        said.append(fitted(seed=seed).transform(table).matrix[table.present])
    one, again, other = said
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize(("modality", "extractor"), [("text", WORDS), ("sound", SOUND), ("picture", PICTURE)])
def test_the_library_s_taggers_read_the_columns_of_its_extractors(modality, extractor):
    tagger = load_tagger(modality)
    assert tagger.columns_ == extractor.columns
    assert list(tagger.attributes_) == ATTRIBUTES[modality] and tagger.get_params() == TAGGERS[modality].get_params()
    known = tagger.attributes_
    assert len(known["topic"]["classes"]) == 16 and 0.0 < known["arousal"]["unexplained"] < 0.6
    for one in known.values():
        if "classes" in one:
            assert sum(one["prior"]) == pytest.approx(1.0)
