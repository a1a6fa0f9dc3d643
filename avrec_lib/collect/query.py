"""Ask an ingested log questions: in SQL by DuckDB, which opens only the files it needs, or as a table."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from avrec_lib.collect.event_schema import EVENT_COLUMNS, events_frame
from avrec_lib.collect.log_store import read_sources

__all__ = ["ask", "open_events", "read_events"]

_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.timestamp("us", "UTC"): "TIMESTAMP WITH TIME ZONE",
    pa.int8(): "TINYINT",
    pa.float64(): "DOUBLE",
}
_WHERE_FROM = {"source": pa.int32(), "line": pa.int64()}


def _files(folder: Path) -> list[str]:
    """List the files that are part of the log, as paths inside its folder."""
    if not (folder / "sources").is_dir():
        raise FileNotFoundError(
            f"{folder} holds no log; make one with avrec_lib.collect.log.ingest(paths, {folder.name!r})"
        )
    files = [file for source in read_sources(folder) for file in source.files]
    for file in files:
        if (folder / file).is_symlink() or (folder / file).parent.is_symlink():
            raise ValueError(f"{folder / file} leads elsewhere; a log's files lie in its own folder")
    return files


def open_events(folder: str | os.PathLike[str], *, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """Open a log for questions in SQL.

    Parameters
    ----------
    folder : str or Path
        Where :func:`avrec_lib.collect.log.ingest` put it.
    threads : int, optional
        How many cores a query may use; by default all.

    Returns
    -------
    DuckDBPyConnection
        With a view ``events``: the columns of the ``events`` schema, ``source`` and ``line`` (which file, and where
        in it), and ``day`` (of the time, in UTC). A condition on ``day`` keeps DuckDB from opening other days' files.
        The connection reads these files and no others. It sees the log as it is now; open it again after more was
        taken in. DuckDB cannot be told not to write to files that it may read, so a ``COPY`` may spoil them: give
        questions that others wrote to :func:`ask`, which takes nothing but one ``SELECT``.

    Raises
    ------
    FileNotFoundError
        If there is no log.
    ValueError
        If a record is damaged, or names or leads to files outside of the log.
    """
    folder = Path(folder).absolute()
    files = [str(folder / file) for file in _files(folder)]
    connection = duckdb.connect(":memory:", config={"threads": threads} if threads else {})
    connection.execute("SET TimeZone = 'UTC'")
    if files:
        names = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        chosen = f"read_parquet([{names}], hive_partitioning = true, hive_types = {{'day': DATE}})"
        connection.execute(f"CREATE VIEW events AS SELECT * FROM {chosen}")  # noqa: S608 - quoted just above
        connection.execute(f"SET allowed_paths = [{names}]")
    else:
        columns = [f'NULL::{_SQL_TYPES[kind]} AS "{name}"' for name, kind in EVENT_COLUMNS.items()]
        columns += ["NULL::INTEGER AS source", "NULL::BIGINT AS line", "NULL::DATE AS day"]
        connection.execute(f"CREATE VIEW events AS SELECT {', '.join(columns)} WHERE false")
    connection.execute("SET enable_external_access = false")
    return connection


def ask(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] | None = None) -> pd.DataFrame:
    """Ask one question.

    Parameters
    ----------
    connection : DuckDBPyConnection
        From :func:`open_events`.
    sql : str
        The question, one ``SELECT``; a ``?`` stands for a parameter.
    parameters : sequence, optional
        Values for the question marks. Words from outside belong here, never into the text of the question.

    Returns
    -------
    DataFrame
        The answer. Times are in UTC.

    Raises
    ------
    duckdb.Error
        If the question is malformed, or asks for something other than the log.
    ValueError
        If it is anything but one ``SELECT``: nothing, several statements, or one that writes.
    """
    kinds = [statement.type for statement in duckdb.extract_statements(sql)]
    if kinds != [duckdb.StatementType.SELECT]:
        raise ValueError(f"this is no question: {sql!r}; ask one SELECT")
    return connection.sql(sql, params=parameters).to_arrow_table().to_pandas()


def read_events(folder: str | os.PathLike[str], *, days: Collection[str] | None = None) -> pd.DataFrame:
    """Read a log as one table.

    Parameters
    ----------
    folder : str or Path
        Where :func:`avrec_lib.collect.log.ingest` put it.
    days : collection of str, optional
        Only events of these days (in UTC), as ``"2026-01-05"``; others' files are not opened.

    Returns
    -------
    DataFrame
        The ``events`` schema, in the order of arrival: source by source, line by line.

    Raises
    ------
    FileNotFoundError
        If there is no log.
    ValueError
        If a day is not a date, a record is damaged, or one names or leads to files outside of the log.
    """
    folder = Path(folder)
    files = _files(folder)
    if days is not None:
        wanted = {f"day={pd.Timestamp(day).date().isoformat()}" for day in days}
        files = [file for file in files if file.partition("/")[0] in wanted]
    schema = pa.schema({**EVENT_COLUMNS, **_WHERE_FROM})
    if not files:
        return events_frame(schema.empty_table())
    table = ds.dataset([str(folder / file) for file in files], schema=schema, format="parquet").to_table()
    return events_frame(table.sort_by([("source", "ascending"), ("line", "ascending")]))
