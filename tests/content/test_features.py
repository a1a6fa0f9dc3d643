import errno
import os
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from avrec_lib.content import checked_files
from avrec_lib.content.checked_files import DamagedFileError, read_checked, write_checked
from avrec_lib.content.features import FeatureTable
from tests.content.wrong_headers import WRONG_HEADERS


def table(n=5, width=3, absent=(1,)):
    present = ~np.isin(np.arange(n), absent)
    return FeatureTable(np.array([f"c{i}" for i in range(n)]), np.arange(n * width).reshape(n, width), present, "toy")


def test_an_absent_clip_is_never_a_row_that_looks_measured():
    features = table()
    assert features.matrix.dtype == np.float32
    assert np.isnan(features.matrix[1]).all() and np.isfinite(features.matrix[[0, 2, 3, 4]]).all()


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(5)), st.integers(1, 5))
def test_selected_rows_stay_with_their_ids(order, n):
    features = table()
    chosen = features.select([f"c{i}" for i in order[:n]])
    for row, number in enumerate(order[:n]):
        assert chosen.ids[row] == f"c{number}"
        assert chosen.present[row] == (number != 1)
        np.testing.assert_array_equal(chosen.matrix[row], features.matrix[number])


def test_rows_cannot_be_changed_behind_the_tables_back():
    features = table()
    with pytest.raises(ValueError, match="read-only"):
        features.matrix[0, 0] = 9.0
    source = np.zeros((2, 2), np.float32)
    kept = FeatureTable(np.array(["a", "b"]), source, np.ones(2, bool), "toy")
    source[:] = 7.0
    assert kept.matrix.sum() == 0.0
    with pytest.raises(ValueError, match="read-only"):
        features.ids[0] = "c9"


def test_ids_and_origin_are_copies_of_what_was_given():
    ids, origin = np.array(["a", "b"]), {"extractor": {"size": 3}}
    kept = FeatureTable(ids, np.eye(2), np.ones(2, bool), "toy", origin=origin)
    ids[0], origin["extractor"]["size"] = "z", 4
    assert kept.ids.tolist() == ["a", "b"] and kept.origin == {"extractor": {"size": 3}}


def test_aligned_rows_stay_with_their_ids_and_unknown_ones_are_absent():
    features = table()
    rows = features.aligned(["new", "c4", "c1", "c0"])
    assert rows.ids.tolist() == ["new", "c4", "c1", "c0"] and rows.present.tolist() == [False, True, False, True]
    np.testing.assert_array_equal(rows.matrix[[1, 3]], features.matrix[[4, 0]])
    assert np.isnan(rows.matrix[[0, 2]]).all()
    with pytest.raises(ValueError, match="'c4' occurs more than once"):
        features.aligned(["c4", "c4"])


def test_new_clips_are_put_below_those_of_the_catalogue():
    features = FeatureTable(np.array(["x1", "x22"]), np.ones((2, 3)), np.array([False, True]), "toy")
    both = FeatureTable.concat([table(), features])
    assert both.ids.tolist() == ["c0", "c1", "c2", "c3", "c4", "x1", "x22"]
    np.testing.assert_array_equal(both.select(features.ids).matrix, features.matrix)
    np.testing.assert_array_equal(both.select(table().ids).present, table().present)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (FeatureTable(np.array(["x"]), np.ones((1, 3)), np.ones(1, bool), "other"), "name differs: 'toy' and 'other'"),
        (FeatureTable(np.array(["x"]), np.ones((1, 2)), np.ones(1, bool), "toy"), "width differs: 3 and 2"),
        (FeatureTable(np.array(["x"]), np.ones((1, 3)), np.ones(1, bool), "toy", tuple("abc")), "columns differs"),
        (FeatureTable(np.array(["x"]), np.ones((1, 3)), np.ones(1, bool), "toy", origin={"v": 2}), "origin differs"),
        (FeatureTable(np.array(["c3"]), np.ones((1, 3)), np.ones(1, bool), "toy"), "'c3' occurs more than once"),
    ],
)
def test_tables_that_were_not_made_alike_are_not_put_below_each_other(other, message):
    with pytest.raises(ValueError, match=message):
        FeatureTable.concat([table(), other])


@pytest.mark.parametrize(
    ("ids", "matrix", "present", "message"),
    [
        (["a", "b"], np.zeros((3, 2)), [True, True], "agree in n"),
        (["a", "b"], np.zeros(2), [True, True], "agree in n"),
        (["a", "a"], np.zeros((2, 2)), [True, True], "'a' occurs more than once"),
        (["a", "b"], [[1.0, np.nan], [0.0, 0.0]], [True, True], "row of 'a'"),
        (["a", "b"], np.zeros((2, 2)), [1, 0], "bool"),
    ],
)
def test_tables_that_contradict_themselves_are_refused(ids, matrix, present, message):
    with pytest.raises(ValueError, match=message):
        FeatureTable(np.array(ids), np.asarray(matrix), np.array(present), "toy")


def test_an_id_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="c9"):
        table().select(["c0", "c9"])


COLUMNS = ("one", "two", "three")
ORIGIN = {"extractor": "toy", "parameters": {"size": 3, "exact": True}}


@pytest.fixture
def saved(tmp_path):
    features = FeatureTable(
        np.array(["a", "b", "é|雨"], dtype=object),
        np.array([[1, 2, 3], [0, 0, 0], [-1e-30, 5, 1e30]]),
        np.array([True, False, True]),
        "toy",
        COLUMNS,
        ORIGIN,
    )
    features.save(tmp_path / "toy.safetensors")
    return tmp_path / "toy.safetensors", features


def test_a_saved_table_comes_back_with_ids_absent_rows_columns_and_origin(saved):
    path, features = saved
    back = FeatureTable.load(path)
    assert back.ids.tolist() == features.ids.tolist() and back.ids.dtype == object
    np.testing.assert_array_equal(back.matrix, features.matrix)
    np.testing.assert_array_equal(back.present, features.present)
    assert (back.name, back.columns, back.origin) == ("toy", COLUMNS, ORIGIN)
    assert sorted(path.parent.iterdir()) == [path], "nothing is left beside it"


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, object, str])
def test_ids_of_numbers_stay_numbers_and_text_stays_text(tmp_path, kind):
    ids = np.array([3, 1, 2]).astype(kind)
    FeatureTable(ids, np.eye(3), np.ones(3, bool), "toy").save(tmp_path / "toy")
    back = FeatureTable.load(tmp_path / "toy").ids
    assert back.tolist() == ids.tolist() and all(
        type(a) is type(b) for a, b in zip(back.tolist(), ids.tolist(), strict=True)
    )


def test_a_table_of_no_clips_and_one_of_absent_clips_survive(tmp_path):
    for n in (0, 2):
        none = FeatureTable(np.arange(n).astype(str), np.zeros((n, 4)), np.zeros(n, bool), "toy")
        none.save(tmp_path / "toy")
        back = FeatureTable.load(tmp_path / "toy")
        assert back.matrix.shape == (n, 4) and not back.present.any()


def test_any_changed_byte_and_any_cut_is_noticed_and_the_file_is_named(saved):
    path, features = saved
    content = path.read_bytes()
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0x21
        path.write_bytes(bytes(damaged))
        try:
            back = FeatureTable.load(path)
        except DamagedFileError as error:
            assert str(path) in str(error)
        else:  # blanks of the header are the only bytes that mean nothing
            assert content[place : place + 1].isspace()
            np.testing.assert_array_equal(back.matrix, features.matrix)
    for size in range(0, len(content), 7):
        path.write_bytes(content[:size])
        with pytest.raises(DamagedFileError, match="cut off"):
            FeatureTable.load(path)


def test_a_file_that_is_no_table_is_refused_and_never_unpickled(tmp_path):
    path = tmp_path / "toy"
    path.write_bytes(pickle.dumps({"matrix": 1}))
    with pytest.raises(DamagedFileError, match="no file of features"):
        FeatureTable.load(path)
    save_file({"matrix": np.eye(2)}, path)
    with pytest.raises(DamagedFileError, match="no file of features"):
        FeatureTable.load(path)
    write_checked(path, {"matrix": np.eye(2)}, {"format": "another"})
    with pytest.raises(DamagedFileError, match="no feature table"):
        FeatureTable.load(path)
    with pytest.raises(FileNotFoundError):
        FeatureTable.load(tmp_path / "none")


@pytest.mark.parametrize("header", WRONG_HEADERS.values(), ids=WRONG_HEADERS)
def test_a_header_of_another_structure_is_refused_and_the_file_is_named(tmp_path, header):
    (tmp_path / "toy").write_bytes(header)
    with pytest.raises(DamagedFileError, match=str(tmp_path / "toy")):
        FeatureTable.load(tmp_path / "toy")


DEEP = "[" * 100_000 + "]" * 100_000
CONTRADICTIONS = {
    "ids_that_are_one_word": {"ids": "abé"},
    "ids_that_are_lists": {"ids": [["a"], ["b"], ["c"]]},
    "ids_of_null": {"ids": [None, "b", "c"]},
    "ids_that_are_truth_values": {"ids": [True, False, 3]},
    "ids_beyond_64_bits": {"ids": [1, 2, 1 << 70]},
    "too_few_ids": {"ids": ["a"]},
    "same_id_twice": {"ids": ["a", "a", "b"]},
    "no_ids": {"ids": None},
    "columns_that_are_one_word": {"columns": "abc"},
    "columns_that_are_a_number": {"columns": 3},
    "columns_that_repeat": {"columns": ["a", "a", "b"]},
    "name_that_is_a_number": {"name": 3},
    "origin_that_is_a_list": {"origin": [1]},
    "numbers_that_are_not_finite": {"matrix": np.full((3, 3), np.inf, np.float32)},
    "double_precision": {"matrix": np.zeros((3, 3))},
    "whole_numbers": {"matrix": np.zeros((3, 3), np.uint8)},
    "no_table": {"matrix": np.zeros(3, np.float32)},
    "present_of_numbers": {"present": np.ones(3)},
    "present_for_others": {"present": np.ones(2, bool)},
    "no_matrix": {"matrix": None},
}


@pytest.mark.parametrize("change", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_whole_file_that_contradicts_itself_is_refused_and_named(saved, change):
    path, _ = saved
    arrays, manifest = read_checked(path)
    arrays |= {name: change[name] for name in change.keys() & arrays.keys()}
    kept = {name: array for name, array in arrays.items() if array is not None}
    write_checked(path, kept, manifest | {name: change[name] for name in change.keys() & manifest.keys()})
    with pytest.raises(DamagedFileError, match=str(path)):
        FeatureTable.load(path)


def test_a_manifest_that_is_no_mapping_is_refused(tmp_path):
    path = tmp_path / "toy"
    for described in ("[1]", "7", "null", DEEP):
        arrays = {"matrix": np.eye(2, dtype=np.float32)}
        digest = checked_files._digest(described, arrays)
        save_file(arrays, path, metadata={"avrec": described, "sha256": digest})
        with pytest.raises(DamagedFileError, match=str(path)):
            FeatureTable.load(path)


def test_a_link_or_a_folder_in_a_tables_place_is_not_followed(saved):
    path, _ = saved
    link = path.with_name("link")
    link.symlink_to(path)
    with pytest.raises(DamagedFileError, match="link"):
        FeatureTable.load(link)
    with pytest.raises(DamagedFileError, match="regular file"):
        FeatureTable.load(path.parent)


def test_a_full_disk_is_named_and_leaves_the_old_table_and_nothing_else(saved, monkeypatch):
    path, features = saved

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"the disk is full: no room for .*toy\.safetensors"):
        features.save(path)
    assert sorted(path.parent.iterdir()) == [path]
    np.testing.assert_array_equal(FeatureTable.load(path).matrix, features.matrix)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": np.array([1.5, 2.5, 3.5])}, "text or whole numbers, not 1.5"),
        ({"ids": np.array(["a", None, 3], dtype=object)}, "text or whole numbers, not None"),
        ({"origin": {"size": np.float32(1)}}, "JSON"),
        ({"origin": {"size": float("nan")}}, "JSON"),
    ],
)
def test_what_cannot_come_back_as_it_was_is_not_saved(tmp_path, change, message):
    parts = {"ids": np.arange(3), "matrix": np.eye(3), "present": np.ones(3, bool), "name": "toy"}
    with pytest.raises(ValueError, match=message):
        FeatureTable(**parts | change).save(tmp_path / "toy")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("columns", [("a", "b"), ("a", "b", "a")])
def test_names_that_do_not_fit_the_columns_are_refused(columns):
    with pytest.raises(ValueError, match="names of columns"):
        FeatureTable(np.arange(2), np.zeros((2, 3)), np.ones(2, bool), "toy", columns)


def test_names_and_origin_go_with_a_selection(saved):
    chosen = saved[1].select(["a"])
    assert (chosen.columns, chosen.origin) == (COLUMNS, ORIGIN)
