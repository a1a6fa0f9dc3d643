"""The kept descriptions from the command line: ``python -m avrec_lib.content list`` and ``... forget``."""

import argparse
import sys
import time
from collections.abc import Sequence

from avrec_lib.content.feature_cache import cache_folder, cached_folders, forget

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """List what the cache of features holds, or make room.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.

    Returns
    -------
    int
        Exit status: 0.
    """
    parser = argparse.ArgumentParser(prog="python -m avrec_lib.content", description="The cache of features.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="each version of each extractor, its size, and when it was last used")
    remove = commands.add_parser(
        "forget", help="remove the versions that were not used for a week, but the latest three"
    )
    remove.add_argument("--all", action="store_true", help="remove every version; it is computed anew when needed")
    remove.add_argument("--name", help="only those of this extractor, such as sound")
    given = parser.parse_args(arguments)
    if given.command == "list":
        for one in cached_folders():
            days = (time.time() - one.used) / 86_400
            print(f"{one.path.name:<40} {one.size / 2**20:8.1f} MiB   used {days:.1f} days ago")
        print(f"in {cache_folder()}")
        return 0
    gone = forget(name=given.name, keep=0, unused_seconds=0.0) if given.all else forget(name=given.name)
    print(f"removed {len(gone)} version(s), {sum(one.size for one in gone) / 2**20:.1f} MiB, from {cache_folder()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
