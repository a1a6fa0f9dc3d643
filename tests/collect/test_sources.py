"""Several sources, one table: nothing is lost, nothing is overruled in silence."""

import numpy as np
import pandas as pd
import pytest

from avrec_lib.collect.sources import merge_sources, normalised


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    """Give three sources of the same clips, in disorder and with gaps."""
    site = pd.DataFrame(
        {
            "clip_id": ["c2", "c1", "c3"],
            "title": ["Night Drive", "  salt and IRON ", None],
            "duration_seconds": [6.0, 5.5, 7.0],
        }
    )
    api = pd.DataFrame(
        {
            "clip_id": ["c1", "c2", "c4"],
            "title": ["Salt and Iron", "Day Drive", "Kölner Dom"],
            "duration_seconds": [5.52, 6.4, 5.0],
            "likes": [3, 0, 1],
        }
    )
    sheet = pd.DataFrame({"clip_id": ["c3", "c4"], "title": ["Ocean", "KÖLNER  dom"]})
    return {"site": site, "api": api, "sheet": sheet}


def test_every_key_of_every_source_is_kept_with_the_names_of_those_who_know_it(tables):
    table, _ = merge_sources(tables, "clip_id")
    assert table["clip_id"].tolist() == ["c1", "c2", "c3", "c4"]
    assert table["sources"].tolist() == ["site|api", "site|api", "site|sheet", "api|sheet"]
    assert table.columns.tolist() == ["clip_id", "title", "duration_seconds", "likes", "sources"]


def test_the_preferred_source_is_believed_and_gaps_are_filled_from_the_next(tables):
    table, _ = merge_sources(tables, "clip_id", prefer=["api", "site"])
    assert table["title"].tolist() == ["Salt and Iron", "Day Drive", "Ocean", "Kölner Dom"]
    assert table["duration_seconds"].tolist() == [5.52, 6.4, 7.0, 5.0]
    other, _ = merge_sources(tables, "clip_id", prefer=["site"])
    assert other["title"].tolist() == ["  salt and IRON ", "Night Drive", "Ocean", "Kölner Dom"]


def test_only_real_contradictions_are_reported_each_with_both_values(tables):
    _, conflicts = merge_sources(tables, "clip_id", prefer=["site"], tolerances={"duration_seconds": 0.05})
    assert conflicts.to_dict("records") == [
        {
            "key": "c2",
            "column": "title",
            "source": "api",
            "value": "Day Drive",
            "kept": "Night Drive",
            "kept_from": "site",
        },
        {
            "key": "c2",
            "column": "duration_seconds",
            "source": "api",
            "value": 6.4,
            "kept": 6.0,
            "kept_from": "site",
        },
    ]
    _, strict = merge_sources(tables, "clip_id", prefer=["site"])
    assert strict[["key", "column"]].to_numpy().tolist() == [
        ["c2", "title"],
        ["c1", "duration_seconds"],
        ["c2", "duration_seconds"],
    ]


def test_a_contradiction_of_a_filled_value_names_where_it_was_taken_from():
    one = pd.DataFrame({"k": [1, 2], "a": [None, "x"]})
    two = pd.DataFrame({"k": [1, 2], "a": ["y", "x"]})
    three = pd.DataFrame({"k": [1, 2], "a": ["z", "x"]})
    table, conflicts = merge_sources({"one": one, "two": two, "three": three}, "k")
    assert table["a"].tolist() == ["y", "x"]
    assert conflicts[["source", "value", "kept", "kept_from"]].to_numpy().tolist() == [["three", "z", "y", "two"]]


def test_times_and_truth_values_are_compared_as_such():
    one = pd.DataFrame({"k": [1, 2], "when": pd.to_datetime(["2026-01-01T00:00:00Z"] * 2), "open": [True, False]})
    times = pd.to_datetime(["2026-01-01T01:00:30+01:00", "2026-01-02T01:00:00+01:00"])
    two = pd.DataFrame({"k": [1, 2], "when": times, "open": [True, True]})
    _, conflicts = merge_sources({"one": one, "two": two}, "k", tolerances={"when": 60.0})
    assert conflicts[["key", "column"]].to_numpy().tolist() == [[2, "when"], [2, "open"]]


def test_one_spelling_hides_case_spaces_and_unicode_forms_only():
    texts = pd.Series(["Straße\u00a0 9", "STRASSE 9", "e\u0301", "é", "a b", "ab", None])
    plain = normalised(texts)
    assert plain[0] == plain[1] and plain[2] == plain[3] and plain[4] != plain[5]
    assert plain[6] is None


def test_a_source_that_agrees_with_itself_makes_no_conflict(tables):
    table, conflicts = merge_sources(
        {"one": tables["api"], "two": tables["api"].sample(frac=1.0, random_state=0)}, "clip_id"
    )
    assert conflicts.empty
    assert conflicts.columns.tolist() == ["key", "column", "source", "value", "kept", "kept_from"]
    pd.testing.assert_frame_equal(
        table.drop(columns="sources"), tables["api"].sort_values("clip_id", ignore_index=True), check_dtype=False
    )


def test_the_inputs_are_not_changed(tables):
    before = {name: table.copy() for name, table in tables.items()}
    merge_sources(tables, "clip_id", prefer=["api"])
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, before[name])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda t: t | {"site": pd.concat([t["site"], t["site"].head(1)])}, "source 'site' has clip_id 'c2' twice"),
        (lambda t: t | {"api": t["api"].assign(clip_id=["c1", None, "c3"])}, "source 'api' has a row without clip_id"),
        (
            lambda t: t | {"sheet": t["sheet"].rename(columns={"clip_id": "id"})},
            "source 'sheet' has no column 'clip_id'",
        ),
        (lambda _: {}, "no table"),
    ],
)
def test_a_key_that_is_no_key_is_refused(tables, spoil, told):
    with pytest.raises(ValueError, match=told):
        merge_sources(spoil(tables), "clip_id")


def test_an_unknown_preference_is_refused(tables):
    with pytest.raises(ValueError, match="prefer names web, but the sources are site, api, sheet"):
        merge_sources(tables, "clip_id", prefer=["web"])


def test_a_hundred_thousand_rows_merge_in_seconds():
    rng = np.random.default_rng(0)
    n = 100_000
    one = pd.DataFrame({"k": np.arange(n), "title": [f"Clip {i}" for i in range(n)], "x": rng.random(n)})
    two = one.sample(frac=0.8, random_state=1).assign(title=lambda t: t["title"].str.upper())
    two.loc[two.index[:1000], "x"] += 1.0
    table, conflicts = merge_sources({"one": one, "two": two}, "k")
    assert (len(table), len(conflicts)) == (n, 1000)
