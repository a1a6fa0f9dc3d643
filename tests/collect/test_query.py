"""Questions to a log: right answers, only the files needed, and nothing else within reach."""

import json
import re

import duckdb
import pandas as pd
import pytest

from avrec_lib.collect.log import ingest
from avrec_lib.collect.query import ask, open_events, read_events
from avrec_lib.tables import check

START = pd.Timestamp("2026-01-05 23:50", tz="UTC")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("it's a log")
    for name in ("first", "second"):
        with (home / f"{name}.ndjson").open("w") as file:
            for n in range(300):
                moment = (START + pd.Timedelta(minutes=5 * n)).isoformat()
                event = {
                    "user_id": f"u{n % 3}",
                    "kind": "watch",
                    "time": moment,
                    "session_id": name,
                    "clip_id": f"c{n % 4}",
                }
                file.write(json.dumps({**event, "watch_seconds": n / 2}) + "\n")
    ingest([home / "first.ndjson", home / "second.ndjson"], home / "log", progress=False)
    return home / "log"


def test_sql_and_pandas_give_the_same_answer(folder):
    events = check(read_events(folder), "events")
    told = open_events(folder).execute("SELECT clip_id, count(*), sum(watch_seconds) FROM events GROUP BY 1 ORDER BY 1")
    grouped = events.groupby("clip_id")["watch_seconds"].agg(["size", "sum"])
    assert told.fetchall() == [(clip, int(row["size"]), row["sum"]) for clip, row in grouped.iterrows()]


def test_a_day_ends_at_midnight_utc(folder):
    days = ask(open_events(folder), "SELECT day, min(time), max(time), count(*) FROM events GROUP BY 1 ORDER BY 1")
    events = read_events(folder)
    date = events["time"].dt.date
    for day, first, last, count in days.itertuples(index=False):
        mine = events[date == day]
        assert (mine["time"].min(), mine["time"].max(), len(mine)) == (first, last, count)


def test_words_from_outside_are_values_and_not_sql(folder):
    sql = "SELECT count(*) AS n FROM events WHERE user_id = ?"
    assert ask(open_events(folder), sql, ["u1"])["n"].tolist() == [200]
    assert ask(open_events(folder), sql, ["u1' OR '1'='1"])["n"].tolist() == [0]


def test_a_remark_is_no_question(folder):
    with pytest.raises(ValueError, match="this is no question"):
        ask(open_events(folder), "-- nothing but a remark")


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{file}' (FORMAT csv, USE_TMP_FILE false)",
        "SELECT 1; COPY (SELECT 1) TO '{file}' (FORMAT csv, USE_TMP_FILE false); SELECT 2",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}' (FORMAT csv, USE_TMP_FILE false)",
        "DROP VIEW events",
        "PREPARE q AS COPY (SELECT 1) TO '{file}' (FORMAT csv, USE_TMP_FILE false)",
        "SET threads = 1",
    ],
)
def test_nothing_but_one_select_is_a_question_so_that_no_day_is_overwritten(folder, sql):
    file = next(folder.glob("day=*/*.parquet"))
    before = file.read_bytes()
    connection = open_events(folder)
    with pytest.raises(ValueError, match="ask one SELECT"):
        ask(connection, sql.replace("{file}", str(file).replace("'", "''")))
    assert file.read_bytes() == before
    assert ask(connection, "WITH a AS (FROM events) SELECT count(*) AS n FROM a")["n"].tolist() == [600]


@pytest.mark.parametrize(
    "file",
    ["{secret}", "../secret.parquet", "day=2026-01-05/../../secret.parquet", "day=2026-01-05/*.parquet", "/etc/passwd"],
)
def test_a_record_cannot_name_a_file_outside_of_the_log(tmp_path, file):
    log = small_log(tmp_path)
    secret = tmp_path / "secret.parquet"
    secret.write_bytes(next(log.glob("day=*/*.parquet")).read_bytes())
    record = next((log / "sources").glob("*.json"))
    named = file.replace("{secret}", str(secret))
    record.write_text(json.dumps(json.loads(record.read_text()) | {"files": [named]}))
    for read in (read_events, open_events):
        with pytest.raises(ValueError, match="is no file of a log"):
            read(log)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_out_of_the_log_is_not_followed(tmp_path, what):
    log = small_log(tmp_path)
    file = next(log.glob("day=*/*.parquet"))
    inside = file if what == "file" else file.parent
    outside = tmp_path / "elsewhere"
    inside.rename(outside)
    inside.symlink_to(outside)
    for read in (read_events, open_events):
        with pytest.raises(ValueError, match="leads elsewhere"):
            read(log)


def small_log(home):
    event = {"user_id": "u", "kind": "click", "time": START.isoformat(), "session_id": "s", "clip_id": "c"}
    (home / "x.ndjson").write_text(json.dumps(event))
    ingest([home / "x.ndjson"], home / "log", progress=False)
    assert len(read_events(home / "log")) == 1
    return home / "log"


def test_other_days_files_stay_shut(folder):
    plan = open_events(folder).execute("EXPLAIN ANALYZE SELECT count(user_id) FROM events WHERE day = '2026-01-06'")
    ((_, text),) = plan.fetchall()
    opened = set(re.findall(r"day=(\d{4}-\d\d-\d\d)", text))
    assert opened == {"2026-01-06"}


def test_some_days_can_be_read_alone(folder):
    events = read_events(folder)
    some = read_events(folder, days=["2026-01-05", "2026-01-06"])
    expected = events[events["time"].dt.strftime("%Y-%m-%d").isin(["2026-01-05", "2026-01-06"])]
    pd.testing.assert_frame_equal(some, expected.reset_index(drop=True))
    assert 0 < len(some) < len(events)
    assert check(read_events(folder, days=["2031-01-01"]), "events").empty


def test_every_row_says_from_where_it_came(folder):
    rows = open_events(folder).execute(
        "SELECT source, min(line), max(line), count(*) FROM events GROUP BY 1 ORDER BY 1"
    )
    assert rows.fetchall() == [(1, 1, 300, 300), (2, 1, 300, 300)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('{folder}/../first.ndjson')",
        "COPY events TO '{folder}/stolen.csv'",
        "ATTACH '{folder}/new.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/passwd']",
        "DELETE FROM events",
        "INSERT INTO events SELECT * FROM events",
    ],
)
def test_a_query_reaches_the_log_and_nothing_else_and_changes_nothing(folder, sql):
    connection = open_events(folder)
    before = sorted(path for path in folder.rglob("*"))
    with pytest.raises(duckdb.Error):
        connection.execute(sql.replace("{folder}", str(folder).replace("'", "''"))).fetchall()
    assert sorted(path for path in folder.rglob("*")) == before
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (600,)


def test_an_empty_log_answers_too(tmp_path):
    (tmp_path / "x.ndjson").write_bytes(b"nonsense\n")
    ingest([tmp_path / "x.ndjson"], tmp_path / "log", progress=False)
    assert check(read_events(tmp_path / "log"), "events").empty
    connection = open_events(tmp_path / "log")
    assert connection.execute("SELECT count(*), count(DISTINCT day), max(watch_seconds) FROM events").fetchone() == (
        0,
        0,
        None,
    )
    full = [row[0] for row in connection.execute("DESCRIBE events").fetchall()]
    assert full == [*read_events(tmp_path / "log").columns, "source", "line", "day"]


def test_a_folder_that_is_no_log_is_named(tmp_path):
    for opening in (open_events, read_events):
        with pytest.raises(FileNotFoundError, match="holds no log"):
            opening(tmp_path)
