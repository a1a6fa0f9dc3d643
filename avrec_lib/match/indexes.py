"""Five ways to keep vectors, from exact to small: all rows, codes, cells, a graph, quantised parts.

What they cost and find differs; how they are used does not. Structures are those of FAISS: Douze et al., "The Faiss
library" (2024). A graph or cells hold the vectors themselves, so that what they find is scored exactly; codes and
quantised parts hold less, and their scores are estimates.
"""

from pathlib import Path

from avrec_lib.content.checked_files import DamagedFileError, read_checked
from avrec_lib.match.cell_indexes import IVFIndex, PQIndex
from avrec_lib.match.flat_indexes import ExactIndex, SimHashIndex
from avrec_lib.match.graph_index import HNSWIndex
from avrec_lib.match.index import FORMAT, Index

__all__ = ["ExactIndex", "HNSWIndex", "IVFIndex", "PQIndex", "SimHashIndex", "load_index"]

_KINDS: dict[str, type[Index]] = {
    kind.__name__: kind for kind in (ExactIndex, SimHashIndex, HNSWIndex, IVFIndex, PQIndex)
}


def load_index(path: str | Path) -> Index:
    """Read an index that was saved.

    The file may come from anybody. It holds arrays of numbers; each is checked for type, shape and range, and every
    link and cell for leading to something that is there, before FAISS sees it. FAISS's own reader, which opens other
    files when a file asks for it, is not used.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Index
        Of the kind that was saved.

    Raises
    ------
    DamagedFileError
        If the file was cut off or changed, is no index, or holds what no index writes.
    FileNotFoundError
        If there is none.
    """
    arrays, manifest = read_checked(path)
    kind = _KINDS.get(str(manifest.get("kind")))
    if manifest.get("format") != FORMAT or kind is None:
        raise DamagedFileError(path, f"is no {FORMAT}")
    return kind.restore(path, arrays, manifest)
