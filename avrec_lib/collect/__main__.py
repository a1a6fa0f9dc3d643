"""Real data sets from the command line: ``python -m avrec_lib.collect list`` and ``... fetch movielens-100k``."""

import argparse
import sys
from collections.abc import Sequence

from avrec_lib.collect.datasets import available_datasets, load_dataset
from avrec_lib.collect.fetching import FetchFailedError, fetch_dataset
from avrec_lib.collect.registry import DataDamagedError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """List the data sets, or fetch some.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.

    Returns
    -------
    int
        Exit status: 0, or 1 with a line that says why.
    """
    parser = argparse.ArgumentParser(prog="python -m avrec_lib.collect", description="The book's real data sets.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="which there are, whether they are here, and their licences")
    fetch = commands.add_parser("fetch", help="download some from their official addresses, and check them")
    fetch.add_argument("names", nargs="+", help="names as `list` prints them")
    fetch.add_argument("--home", help="folder of data sets (default: AVREC_DATA_HOME, or the library's cache)")
    fetch.add_argument("--quiet", action="store_true", help="show no progress bar")
    given = parser.parse_args(arguments)
    if given.command == "list":
        for line in available_datasets().to_dict("records"):
            here = "here" if line["here"] else "absent"
            print(
                f"{line['name']:<18} {here:<7} {line['files']:>4} files {line['megabytes']:>6.1f} MB  {line['title']}"
            )
            print(f"{'':<18} {line['licence']}\n{'':<18} {line['address']}")
        return 0
    for name in given.names:
        try:
            folder = fetch_dataset(name, home=given.home, progress=not given.quiet)
            load_dataset(name, home=folder.parent)
        except (KeyError, FetchFailedError, DataDamagedError, OSError) as error:
            reason = error.args[0] if isinstance(error, KeyError) else error
            print(f"error: {reason}", file=sys.stderr)
            return 1
        print(f"{name} is in {folder}, every file checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
