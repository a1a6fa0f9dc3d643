"""Sections on real data: run where the data are, told from the record where they are not."""

import json

import pytest

from avrec_lib.publish import recorded as module
from avrec_lib.publish.ledger import CLAIMS_FILE, Claim
from avrec_lib.publish.project import Project
from avrec_lib.publish.record import differences, read_claims, read_record, write_record
from avrec_lib.publish.recorded import claims_on_record, data_sets_named
from avrec_lib.publish.runner import chapter_key


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RECORDS", tmp_path)
    stated = {
        "ratings-mean": Claim("ratings-mean", 3.53, digits=2),
        "ratings-gap": Claim("ratings-gap", 0.2, low=0.1, high=0.3, kind="comparison", units=9, paired_by="user"),
        "ratings-seconds": Claim("ratings-seconds", 1.5, unit="s", timing=True),
        "other": Claim("other", 1.0),
    }
    write_record(tmp_path / "smoke.json", {"02_collecting": stated}, profile="smoke", seed=7)
    return tmp_path / "smoke.json"


def test_recorded_claims_are_stated_again_and_differ_in_nothing(record, tmp_path, monkeypatch):
    monkeypatch.setenv(CLAIMS_FILE, str(tmp_path / "claims.jsonl"))
    card = claims_on_record("ratings-", data_set="movielens-100k", profile="smoke")
    again = read_claims(tmp_path / "claims.jsonl", "02_collecting")
    assert sorted(again) == ["ratings-gap", "ratings-mean", "ratings-seconds"]
    assert again["ratings-gap"].text == "better by 0.200 [0.100, 0.300]"
    assert again["ratings-seconds"].text == "not measured here"
    rows = {name: row for name, row in read_record(record).items() if name != "other"}
    assert differences(rows, {"02_collecting": again}, whole=True) == []
    assert "fetch movielens-100k" in card.plain and "fetch movielens-100k" in card.markup


def test_a_section_without_a_record_is_refused(record):
    with pytest.raises(LookupError, match=r"begins with 'nothing-'.*fetch esc10"):
        claims_on_record("nothing-", data_set="esc10", profile="smoke")


def test_a_prefix_shared_by_two_chapters_is_refused(record):
    stated = {f"0{n}_a": {f"ratings-{n}": Claim(f"ratings-{n}", 1.0)} for n in (2, 3)}
    write_record(record, stated, profile="smoke", seed=7)
    with pytest.raises(LookupError, match="belong to 02_a, 03_a"):
        claims_on_record("ratings-", data_set="esc10", profile="smoke")


def test_data_sets_are_read_from_the_text():
    assert data_sets_named('real_data("esc10") or real_data( \'lastfm-2k\' ) or real_data("esc10")') == [
        "esc10",
        "lastfm-2k",
    ]
    assert data_sets_named("unreal_data('x')") == []


@pytest.mark.parametrize("asks", [True, False])
def test_a_chapter_that_asks_for_data_follows_their_presence_and_the_record(tmp_path, monkeypatch, asks):
    (tmp_path / "avrec_lib").mkdir()
    (tmp_path / "requirements.lock").write_text("")
    (tmp_path / "book" / "claims").mkdir(parents=True)
    recorded = tmp_path / "book" / "claims" / "smoke.json"
    recorded.write_text(json.dumps({"format": 1, "claims": {}}))
    (tmp_path / "chapters").mkdir()
    chapter = tmp_path / "chapters" / "01_a.md"
    chapter.write_text('# A\n\n```{code-cell}\nreal_data("esc10")\n```\n' if asks else "# A\n")
    present = {"esc10": True}
    monkeypatch.setattr("avrec_lib.publish.runner.has_dataset", lambda name: present[name])

    def key() -> str:
        return chapter_key(Project(tmp_path), chapter, {"profile": "smoke", "seed": 7})

    with_data = key()
    recorded.write_text("{}")
    assert key() == with_data  # the data decide, not the record
    present["esc10"] = False
    without = key()
    assert (without != with_data) is asks
    recorded.write_text("[]")
    assert (key() != without) is asks
