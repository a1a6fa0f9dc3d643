import pytest

from avrec_lib.prepare.repeats import remove_repeats


def test_every_planted_copy_is_found_and_nothing_else(soiled):
    kept, report = remove_repeats(soiled.events)
    assert set(report.removed["id"]) == soiled.planted("duplicate")
    assert report.before - report.after == len(report.removed)
    assert kept.equals(soiled.events.loc[kept.index])


def test_a_replay_a_minute_later_is_not_a_copy(small_log):
    events = small_log([{"kind": "click", "seconds": at} for at in (0, 2, 60, 63)])
    kept, _ = remove_repeats(events, window="5s")
    assert kept.index.tolist() == [0, 2]


def test_two_watches_of_different_length_are_two_watches(small_log):
    events = small_log([{"kind": "watch", "seconds": 0, "watch_seconds": length} for length in (1.0, 2.0, 1.0)])
    kept, _ = remove_repeats(events)
    assert kept.index.tolist() == [0, 1]


@pytest.mark.parametrize("column", ["user", "clip", "kind", "session"])
def test_rows_that_differ_in_one_part_of_the_key_all_stay(small_log, column):
    rows = [{"user": "u", "clip": "c", "kind": "like", "session": "s", "seconds": 0} for _ in range(2)]
    rows[1][column] = "share"
    assert len(remove_repeats(small_log(rows))[0]) == 2


def test_two_searches_for_different_words_stay_though_neither_has_a_clip(small_log):
    rows = [{"kind": "search", "clip": None, "seconds": 0, "text": words} for words in ("techno", "ocean", "techno")]
    assert remove_repeats(small_log(rows))[0]["text"].tolist() == ["techno", "ocean"]


def test_the_copy_that_arrived_first_stays_even_if_its_clock_is_later(small_log):
    events = small_log([{"kind": "like", "seconds": at} for at in (3, 0)])
    assert remove_repeats(events)[0].index.tolist() == [0]


def test_bad_input_is_refused(small_log):
    events = small_log([{"kind": "like", "seconds": at} for at in (3, 0)])
    with pytest.raises(ValueError, match="zero or more"):
        remove_repeats(events, window="-1s")
    events.index = [4, 4]
    with pytest.raises(ValueError, match="label 4 occurs twice"):
        remove_repeats(events)


def test_an_empty_log_stays_empty(soiled):
    kept, report = remove_repeats(soiled.events.iloc[:0])
    assert len(kept) == 0
    assert list(kept) == list(soiled.events)
    assert report.before == report.after == 0
