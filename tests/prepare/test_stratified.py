import numpy as np
import pandas as pd
import pytest

from avrec_lib.prepare.stratified import stratified_split


def rows(counts):
    return pd.DataFrame({"item_id": np.repeat(list(counts), list(counts.values())), "n": range(sum(counts.values()))})


def test_each_group_is_cut_in_the_same_proportion_with_halves_to_the_even_number():
    table = rows({"a": 1, "b": 2, "c": 4, "d": 6, "e": 100}).sample(frac=1.0, random_state=0)
    train, test = stratified_split(table)
    assert train["item_id"].value_counts().to_dict() == {"a": 1, "b": 2, "c": 3, "d": 4, "e": 75}
    assert test["item_id"].value_counts().to_dict() == {"c": 1, "d": 2, "e": 25}


def test_every_row_is_in_one_part_in_the_order_of_the_table_with_its_label():
    table = rows({"a": 40, "b": 60}).sample(frac=1.0, random_state=0)
    kept = table.copy()
    train, test = stratified_split(table, train=0.6)
    pd.testing.assert_frame_equal(pd.concat([train, test]).loc[table.index], table)
    for part in (train, test):
        assert (np.diff(table.index.get_indexer(part.index)) > 0).all()
    pd.testing.assert_frame_equal(table, kept)


def test_the_draw_is_one_number_a_row_of_numpys_legacy_generator():
    table = rows({"a": 8, "b": 8})
    drawn = np.random.RandomState(5).rand(16)  # as after np.random.seed(5), which the published protocol calls
    train, _ = stratified_split(table, seed=5)
    expected = [n for half in (range(8), range(8, 16)) for n in sorted(sorted(half, key=drawn.__getitem__)[:6])]
    assert train["n"].tolist() == expected
    assert stratified_split(table, seed=6)[0]["n"].tolist() != expected


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"column": "user_id"}, "no column 'user_id'"),
        ({"train": 1.0}, "between 0 and 1"),
        ({"train": 0.01}, "leaves a part empty"),
    ],
)
def test_impossible_wishes_are_refused(change, match):
    with pytest.raises(ValueError, match=match):
        stratified_split(rows({"a": 4, "b": 4}), **change)


def test_a_row_without_its_group_is_refused_by_its_label():
    table = rows({"a": 4}).set_index(pd.Index([5, 6, 7, 8]))
    table["item_id"] = table["item_id"].where(table.index != 7)
    with pytest.raises(ValueError, match="row 7 has no item_id"):
        stratified_split(table)
