"""Claims: what they render, what they refuse, what the build keeps."""

import json

import numpy as np
import pandas as pd
import pytest

from avrec_lib.publish.ledger import CLAIMS_FILE, Claim, claim, claim_better
from avrec_lib.publish.project import BuildError
from avrec_lib.publish.record import differences, ledger_page, read_claims, read_record, write_record


def users(values):
    return pd.Series(values, index=[f"u{i}" for i in range(len(values))])


@pytest.mark.parametrize(
    ("stated", "text"),
    [
        (Claim("a", 0.1234), "0.123"),
        (Claim("a", 0.25, unit="%", digits=1), "25.0 %"),
        (Claim("a", 1234, digits=0), "1,234"),
        (Claim("a", -0.5, digits=1), "\N{MINUS SIGN}0.5"),
        (Claim("a", "text"), "text"),
        (Claim("a", 0.2, digits=2, low=0.1, high=0.3), "0.20 [0.10, 0.30]"),
        (Claim("a", 0.2, digits=2, low=0.1, high=0.3, kind="comparison"), "better by 0.20 [0.10, 0.30]"),
        (Claim("a", -0.2, digits=2, low=-0.3, high=-0.1, kind="comparison"), "worse by 0.20 [0.10, 0.30]"),
        (
            Claim("a", 0.1, digits=1, low=-0.1, high=0.3, kind="comparison"),
            "no difference shown (0.1 [\N{MINUS SIGN}0.1, 0.3])",
        ),
        (Claim("a", 0.0, digits=1, low=0.0, high=0.3, kind="comparison"), "no difference shown (0.0 [0.0, 0.3])"),
        (Claim("a", 0.2, unit="%", digits=1, low=0.1, high=0.3), "20.0 % [10.0, 30.0]"),
        (
            Claim("a", 0.077, unit="%", digits=1, low=0.05, high=0.1, kind="comparison"),
            "better by 7.7 percentage points [5.0, 10.0]",
        ),
        (
            Claim("a", -0.2, unit="%", digits=0, low=-0.3, high=-0.1, kind="comparison"),
            "worse by 20 percentage points [10, 30]",
        ),
        (
            Claim("a", 0.1, unit="%", digits=0, low=-0.1, high=0.3, kind="comparison"),
            "no difference shown (10 percentage points [\N{MINUS SIGN}10, 30])",
        ),
        (
            Claim("a", 2.0, unit="clips", digits=0, low=1.0, high=3.0, kind="comparison"),
            "better by 2 clips [1, 3]",
        ),
    ],
)
def test_a_claim_reads_as_a_sentence_needs_it(stated, text):
    assert stated.text == text


def test_whole_numbers_are_shown_whole():
    assert claim("a", np.int64(42)).text == "42" and claim("b", 42).text == "42"


@pytest.mark.parametrize(
    ("arguments", "sign"),
    [
        ({"name": "a", "value": "x\n```{raw} html"}, "line breaks"),
        ({"name": "a", "value": True}, "neither a number nor text"),
        ({"name": "Not Kebab", "value": 1.0}, "lower case"),
        ({"name": "a", "value": float("nan")}, "not finite"),
        ({"name": "a", "value": 1.0, "low": 0.0}, "both ends"),
        ({"name": "a", "value": 1.0, "low": 2.0, "high": 3.0}, "outside its interval"),
    ],
)
def test_a_claim_that_cannot_be_is_refused(arguments, sign):
    with pytest.raises(ValueError, match=sign):
        claim(**arguments)


def test_a_real_difference_is_shown_and_noise_is_not():
    rng = np.random.default_rng(0)
    noise = users(rng.normal(size=400))
    assert claim_better("a", noise + 0.5, noise).verdict == "better"
    assert claim_better("b", noise - 0.5, noise).verdict == "worse"
    assert claim_better("c", noise, users(rng.permutation(noise.to_numpy()))).verdict == "no difference shown"


def test_pairing_narrows_the_interval():
    rng = np.random.default_rng(1)
    person, gain = rng.normal(size=300) * 10, rng.normal(0.3, 0.5, 300)
    paired = claim_better("a", users(person + gain), users(person))
    shuffled = claim_better("b", users(person + gain), users(rng.permutation(person)))
    assert paired.verdict == "better"
    assert paired.high - paired.low < 0.2 * (shuffled.high - shuffled.low)


def test_unpaired_values_are_refused():
    with pytest.raises(ValueError, match="u2"):
        claim_better("a", users([1.0, 2.0, 3.0]), users([1.0, 2.0]))


def test_a_build_keeps_what_was_claimed(tmp_path, monkeypatch):
    path = tmp_path / "claims.jsonl"
    monkeypatch.setenv(CLAIMS_FILE, str(path))
    claim("one", 0.5, unit="%")
    claim("two", 3)
    assert [json.loads(line)["name"] for line in path.read_text().splitlines()] == ["one", "two"]
    assert read_claims(path, "01_x")["one"].text == "50.0 %"
    claim("two", 4)
    with pytest.raises(BuildError, match=r"01_x claims 'two' twice"):
        read_claims(path, "01_x")


@pytest.fixture
def record(tmp_path):
    """Record some claims and return how a later run differs from them."""
    path = tmp_path / "record.json"
    first = {
        "value": Claim("value", 0.5),
        "versus": Claim("versus", 0.01, low=-0.1, high=0.12, kind="comparison", tolerance=0.05),
        "time": Claim("time", 12.0, timing=True),
        "word": Claim("word", "text"),
    }
    write_record(path, {"01_x": first}, profile="smoke", seed=7)

    def differs(**changed):
        return differences(read_record(path), {"01_x": {**first, **changed}}, whole=True)

    assert differs() == []
    return differs


def test_a_difference_within_tolerance_is_the_same_result(record):
    assert record(value=Claim("value", 0.504)) == []
    assert record(versus=Claim("versus", 0.012, low=-0.102, high=0.122, kind="comparison", tolerance=0.05)) == []


@pytest.mark.parametrize(
    ("name", "changed", "sign"),
    [
        ("value", Claim("value", 0.51), "was 0.5, is now 0.51"),
        ("value", Claim("value", 0.5, unit="%"), "its unit was"),
        ("value", Claim("value", 0.5, timing=True), "timing"),
        ("versus", Claim("versus", 0.05, low=-0.1, high=0.12, kind="comparison", tolerance=0.05), "was 0.01"),
        ("versus", Claim("versus", 0.01, low=-0.2, high=0.12, kind="comparison", tolerance=0.05), "low end"),
        ("versus", Claim("versus", 0.013, low=0.001, high=0.12, kind="comparison", tolerance=0.05), "verdict was"),
        ("value", Claim("value", 0.9, tolerance=2.0), "its tolerance was"),
        (
            "versus",
            Claim("versus", 0.01, low=-0.1, high=0.12, kind="comparison", tolerance=0.05, units=12),
            "its units",
        ),
        ("word", Claim("word", "sound"), "was text, is now sound"),
        ("new", Claim("new", 1), "new (1"),
    ],
)
def test_a_difference_beyond_tolerance_is_told(record, name, changed, sign):
    lines = record(**{name: changed})
    assert len(lines) == 1 and sign in lines[0] and "01_x" in lines[0]


def test_a_timing_is_never_compared(record):
    assert record(time=Claim("time", 99.0, timing=True)) == []


def test_a_record_that_is_none_is_named(tmp_path):
    path = tmp_path / "record.json"
    assert read_record(path) == {}
    path.write_text("{")
    with pytest.raises(BuildError, match=r"record\.json is not a record"):
        read_record(path)


def test_the_page_of_the_ledger_shows_differences_of_shares_in_points():
    share = Claim("share", 0.173, unit="%", digits=1)
    gap = Claim("gap", 0.077, unit="%", digits=1, low=0.05, high=0.1, kind="comparison")
    page = ledger_page({"01_x": {"share": share, "gap": gap}}, profile="smoke", seed=7)
    assert "| `share` | 17.3 % |" in page
    assert "| `gap` | better by 7.7 percentage points [5.0, 10.0] |" in page


def test_the_page_of_the_ledger_escapes_what_it_shows():
    page = ledger_page({"01_x": {"a": Claim("a", "<script>|")}}, profile="smoke", seed=7)
    assert "\\<script\\>\\|" in page
    page = ledger_page({"01_x": {"a": Claim("a", "{download}`../x`")}}, profile="smoke", seed=7)
    assert "{download}`" not in page
