"""Make a world from the command line: ``python -m avrec_lib.world --profile full --seed 7``."""

import argparse
import sys
from collections.abc import Sequence

from avrec_lib.world import PROFILES, load_world

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make or find a world and print what it cost.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.

    Returns
    -------
    int
        Exit status: 0, or 1 with one line that says why.
    """
    parser = argparse.ArgumentParser(
        prog="python -m avrec_lib.world", description="Make a world, or find it in the cache."
    )
    parser.add_argument("--profile", default="full", help=f"one of {', '.join(PROFILES)} (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="0 or more (default: %(default)s)")
    parser.add_argument("--cache", help="folder of caches (default: AVREC_CACHE or the platform's)")
    parser.add_argument("--workers", type=int, help="processes (default: one a core, at most eight)")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    given = parser.parse_args(arguments)
    try:
        world = load_world(given.profile, given.seed, given.cache, progress=not given.quiet, workers=given.workers)
    except (ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        print(f"error: {reason}", file=sys.stderr)
        return 1
    facts = world.manifest
    seconds = facts["seconds"]
    print(f"{world!r} in {world.folder}")
    print(
        f"made in {seconds['total']:.1f} s (tables {seconds['tables']:.1f} s, media {seconds['media']:.1f} s; "
        f"{facts['rendered']} files made, {facts['kept']} kept, {facts['workers']} worker(s))"
    )
    print(f"peak memory {facts['peak_memory_bytes'] / 1e6:,.0f} MB, on disk {facts['bytes'] / 1e6:,.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
