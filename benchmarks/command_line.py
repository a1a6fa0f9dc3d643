"""The command line of a benchmark, whose help is what the top of its module says."""

import argparse

__all__ = ["command_line"]


def command_line(name: str, doc: str | None) -> argparse.ArgumentParser:
    """Make a parser to which a benchmark adds its options.

    Parameters
    ----------
    name : str
        The benchmark's, such as ``decode``.
    doc : str or None
        The docstring of its module.

    Returns
    -------
    argparse.ArgumentParser
        Its help begins with the first line of the docstring, and ends with the others as they stand.
    """
    summary, _, rest = (doc or "").partition("\n")
    return argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=summary,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
