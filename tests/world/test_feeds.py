"""The feeds say what the world says, and hold exactly the faults that they claim."""

import gzip
import json

import pandas as pd
import pytest

from avrec_lib.collect.log import ingest
from avrec_lib.collect.query import read_events
from avrec_lib.collect.server_log import parse_server_log
from avrec_lib.tables import check
from avrec_lib.world.feeds import FEED_FAULTS, SERVER_FAULTS, write_csv_files, write_event_feed, write_server_log

REASON = {  # what is planted, and what the reader must call it
    "cut line": "cut line",
    "wrong type": "wrong type",
    "number in quotes": "wrong type",
    "unknown kind": "unknown kind",
    "missing user": "missing field",
    "missing clip": "missing field",
    "time in the future": "time out of range",
    "time without zone": "bad time",
    "repeated key": "repeated key",
    "not a number": "not finite",
    "endless number": "number out of range",
    "lone surrogate": "lone surrogate",
    "not an object": "not an object",
    "empty line": "empty line",
    "latin-1 bytes": "not UTF-8",
    "unknown field": "unknown field",
    "not JSON": "not JSON",
}
SERVER_REASON = {
    "cut line": "not Combined Log Format",
    "bad time": "bad time",
    "bad request": "bad request",
    "binary request": "bad request",
    "failed request": "failed request",
    "no user": "no user",
    "another page": "no event",
    "bad value": "bad value",
    "latin-1 bytes": "not UTF-8",
}


def lines_of(path):
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).split(b"\n")[:-1]


@pytest.fixture(scope="module")
def feed(tiny_world, tmp_path_factory):
    return write_event_feed(tiny_world, tmp_path_factory.mktemp("feed"))


def test_reading_the_feed_gives_the_worlds_events_back_row_for_row(tiny_world, feed, tmp_path):
    report = ingest(feed.files, tmp_path, progress=False)
    pd.testing.assert_frame_equal(read_events(tmp_path), tiny_world.events)
    assert report.kept == len(tiny_world.events)
    assert report.read == report.kept + len(feed.bad)


def test_exactly_the_planted_lines_are_set_aside_each_for_its_own_reason(feed, tmp_path):
    found = ingest(feed.files, tmp_path, progress=False).quarantined
    joined = feed.bad.merge(found, on=["file", "line"], how="outer", suffixes=("", "_found"), validate="1:1")
    assert joined.notna().all(axis=None)
    assert joined["reason"].map(REASON).tolist() == joined["reason_found"].tolist()
    assert set(feed.bad["reason"]) == set(FEED_FAULTS) == set(REASON)


def test_files_are_one_a_day_of_arrival_and_every_second_one_gzipped(feed):
    assert [path.name.endswith(".gz") for path in feed.files] == [bool(n % 2) for n in range(len(feed.files))]
    assert [path.name[7:17] for path in feed.files] == sorted({path.name[7:17] for path in feed.files})
    assert all(lines_of(path) for path in feed.files)


def test_good_lines_hold_no_absent_values(feed):
    bad = set(feed.bad[feed.bad["file"] == feed.files[0].name]["line"])
    records = [json.loads(line) for n, line in enumerate(lines_of(feed.files[0]), 1) if n not in bad]
    assert records and all(value is not None for record in records for value in record.values())


def test_same_seed_same_bytes_another_seed_others(tiny_world, feed, tmp_path):
    again = write_event_feed(tiny_world, tmp_path / "a")
    other = write_event_feed(tiny_world, tmp_path / "b", seed=1)
    assert [path.read_bytes() for path in again.files] == [path.read_bytes() for path in feed.files]
    assert [path.read_bytes() for path in other.files] != [path.read_bytes() for path in feed.files]


def test_no_bad_lines_where_none_are_wanted(tiny_world, tmp_path):
    feed = write_event_feed(tiny_world, tmp_path, bad_share=0.0)
    assert feed.bad.empty
    assert sum(len(lines_of(path)) for path in feed.files) == len(tiny_world.events)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_that_is_none_is_refused(tiny_world, tmp_path, share):
    with pytest.raises(ValueError, match="bad_share must be in"):
        write_event_feed(tiny_world, tmp_path, bad_share=share)


@pytest.mark.parametrize("name", ["access.log", "access.log.gz"])
def test_the_servers_lines_hold_the_clicks_and_watches_to_the_second(tiny_world, tmp_path, name):
    feed = write_server_log(tiny_world, tmp_path / name)
    events, _ = parse_server_log(lines_of(feed.files[0]))
    truth = tiny_world.events[tiny_world.events["kind"].isin(["click", "watch"])].reset_index(drop=True)
    check(events, "events")
    same = ["user_id", "clip_id", "kind", "position", "session_id"]
    pd.testing.assert_frame_equal(events[same], truth[same])
    assert (events["time"] == truth["time"].dt.floor("s")).all()
    assert ((events["watch_seconds"] - truth["watch_seconds"]).abs().dropna() < 0.001).all()
    assert events["propensity"].isna().all()


def test_exactly_the_planted_server_lines_are_set_aside(tiny_world, tmp_path):
    feed = write_server_log(tiny_world, tmp_path / "access.log")
    _, bad = parse_server_log(lines_of(feed.files[0]))
    joined = feed.bad.merge(bad, on="line", how="outer", suffixes=("", "_found"), validate="1:1")
    assert joined.notna().all(axis=None)
    assert joined["reason"].map(SERVER_REASON).tolist() == joined["reason_found"].tolist()
    assert set(feed.bad["reason"]) == set(SERVER_FAULTS) == set(SERVER_REASON)


def test_the_three_csv_files_read_back_and_fit_together(tiny_world, tmp_path):
    paths = write_csv_files(tiny_world, tmp_path)
    videos, users, interactions = (pd.read_csv(paths[name]) for name in ("videos", "users", "interactions"))
    assert videos["title"].tolist() == tiny_world.clips["title"].tolist()
    assert (
        interactions["video_id"].isin(videos["video_id"]).all() and interactions["user_id"].isin(users["user_id"]).all()
    )
    events = tiny_world.events
    watches = events[events["kind"] == "watch"]
    assert interactions["watch_time"].tolist() == watches["watch_seconds"].round(3).tolist()
    liked = set(zip(*(events.loc[events["kind"] == "like", c] for c in ("user_id", "clip_id")), strict=True))
    expected = [int(pair in liked) for pair in zip(watches["user_id"], watches["clip_id"], strict=True)]
    assert interactions["liked"].tolist() == expected and sum(expected) > 0
    rated = events[events["kind"] == "rating"].set_index(["user_id", "clip_id"])["value"]
    for row in interactions[interactions["rating"].notna()].itertuples():
        assert row.rating in rated.loc[[(row.user_id, row.video_id)]].tolist()


def test_ages_lie_in_their_bands(tiny_world, tmp_path):
    ages = pd.read_csv(write_csv_files(tiny_world, tmp_path)["users"])["age"]
    band = pd.cut(ages, [12, 17, 24, 34, 49, 200], labels=["13-17", "18-24", "25-34", "35-49", "50+"])
    assert band.astype(str).tolist() == tiny_world.users["age_band"].tolist()
