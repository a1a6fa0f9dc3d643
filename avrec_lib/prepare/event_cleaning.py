"""The whole chain from the log as it arrived to a log that can be learned from."""

from typing import NamedTuple

import pandas as pd

from avrec_lib.prepare.clocks import repair_clocks, sort_by_time
from avrec_lib.prepare.impossible import remove_impossible
from avrec_lib.prepare.repeats import remove_repeats
from avrec_lib.prepare.report import Report
from avrec_lib.prepare.robots import remove_robots

__all__ = ["CleanLog", "clean_events"]


class CleanLog(NamedTuple):
    """What :func:`clean_events` returns.

    Attributes
    ----------
    events, users : DataFrame
        Per their schemas; events in the order of time.
    reports : list of Report
        One a step, in their order; see :func:`avrec_lib.prepare.report.summary`.
    """

    events: pd.DataFrame
    users: pd.DataFrame
    reports: list[Report]


def clean_events(events: pd.DataFrame, clips: pd.DataFrame, users: pd.DataFrame, *, mend: bool = False) -> CleanLog:
    """Clean a log: copies, machines, clocks, order, impossible events.

    The order of the steps matters. Copies go first, because they would count as clicks of a machine and as late
    rows. Clocks are set right before rows are judged by their time.

    Machines, clocks and delays are judged by all rows that are given: where a test must have no say, give the rows
    before it alone.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema, in the order of arrival, with unique labels.
    clips, users : DataFrame
        Per their schemas.
    mend : bool
        For :func:`~avrec_lib.prepare.impossible.remove_impossible`.

    Returns
    -------
    CleanLog
        Labels of the rows are those of `events`, so that the reports can be followed.
    """
    log, repeats = remove_repeats(events)
    log, people, robots = remove_robots(log, users)
    log, clocks = repair_clocks(log)
    log, order = sort_by_time(log)
    log, impossible = remove_impossible(log, clips, people, mend=mend)
    return CleanLog(log, people, [repeats, robots, clocks, order, impossible])
