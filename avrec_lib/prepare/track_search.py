"""Find tracks that share a stretch, without comparing all with all.

An inverted index: two copies have many words in common, bit for bit, at a constant distance in time. Tracks that
share such words are candidates, and only candidates are compared in full. A key that many tracks have (a black
picture, a station's ident) says nothing, is passed over, and so no bucket makes the search quadratic.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from avrec_lib.prepare.fingerprints import Tracks

__all__ = ["Candidates", "distance_at", "find_candidates", "picture_keys", "sound_keys"]

_BLOCKS = np.array([0, 13, 26, 39, 52, 64], dtype=np.uint64)
_AT_ONCE = 1 << 22  # words compared, or pairs kept, in one step
_PARTS = 8

Keys = Iterator[NDArray[np.uint32]]


class Candidates(NamedTuple):
    """Pairs of tracks that share words; ``first < second``.

    Attributes
    ----------
    first, second : ndarray of int64 (p,)
        Rows of the tracks. Sorted by both.
    shift : ndarray of int64 (p,)
        Word t of the first goes with word ``t + shift`` of the second.
    votes : ndarray of int64 (p,)
        Shared keys at that shift.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    shift: NDArray[np.int64]
    votes: NDArray[np.int64]


def picture_keys(words: NDArray[np.unsignedinteger]) -> Keys:
    """Cut 64 bits into five blocks and give each two of them as a key.

    Two words that differ in three bits leave at least two blocks alone, so they share a key for certain; of words
    that differ in six bits, two of five share one, and a copy has a dozen words to be found by.

    Parameters
    ----------
    words : ndarray of uint64 (n,)
        Hashes of pictures.

    Yields
    ------
    ndarray of uint32 (n,)
        Ten times: 24 to 26 bits.
    """
    words = words.astype(np.uint64)
    widths = np.diff(_BLOCKS)
    blocks = [
        (words >> low) & ((np.uint64(1) << width) - np.uint64(1))
        for low, width in zip(_BLOCKS[:-1], widths, strict=True)
    ]
    for one, other in combinations(range(len(blocks)), 2):
        yield ((blocks[one] << widths[other]) | blocks[other]).astype(np.uint32)


def sound_keys(words: NDArray[np.unsignedinteger]) -> Keys:
    """Give each whole word as its key: of a copy's hundreds of words some survive without a wrong bit.

    Parameters
    ----------
    words : ndarray of uint32 (n,)
        Words of sound.

    Yields
    ------
    ndarray of uint32 (n,)
        Once.
    """
    yield words.astype(np.uint32)


def find_candidates(tracks: Tracks, keys: Keys, *, most_sharing: int, votes: int) -> Candidates:
    """Find the pairs of tracks that share keys at one distance in time.

    Parameters
    ----------
    tracks : Tracks
        n tracks.
    keys : iterator of ndarray of uint32
        Keys of all words, several times over.
    most_sharing : int
        A key that more tracks have is passed over.
    votes : int
        How many keys a pair must share at its best shift or next to it.

    Returns
    -------
    Candidates
        At most ``most_sharing / 2`` pairs for each word and kind of key: linear in the length of all tracks.
    """
    owner = np.repeat(np.arange(len(tracks), dtype=np.int32), np.diff(tracks.offsets))
    # A still picture or a held note repeats its word; the first of a run stands for all.
    useful = tracks.valid.copy()
    useful[1:] &= (tracks.words[1:] != tracks.words[:-1]) | (owner[1:] != owner[:-1]) | ~tracks.valid[:-1]
    found = [np.empty((4, 0), dtype=np.int64)]
    for every in keys:
        for part in range(_PARTS):  # so that the sort needs little memory
            entries = np.flatnonzero(useful & (every % _PARTS == part))
            found.append(_tally(_sharing(every[entries], entries, owner, tracks.offsets, most_sharing)))
    return _best_shift(_tally(np.concatenate(found, axis=1)), votes)


def _sharing(
    keys: NDArray[np.uint32],
    entries: NDArray[np.int64],
    owner: NDArray[np.int32],
    offsets: NDArray[np.int64],
    most_sharing: int,
) -> NDArray[np.int64]:
    """Return (4, m): first, second, shift and 1 for each key that two tracks share."""
    # Entries rise by track and time, so that one sort of key and number together puts equal keys in that order.
    packed = np.sort((keys.astype(np.uint64) << np.uint64(32)) | np.arange(len(entries), dtype=np.uint64))
    key = packed >> np.uint64(32)
    entry = entries[(packed & np.uint64(0xFFFFFFFF)).astype(np.int64)]
    track = owner[entry]
    fresh = np.ones(len(key), dtype=bool)
    fresh[1:] = (key[1:] != key[:-1]) | (track[1:] != track[:-1])
    key, entry, track = key[fresh], entry[fresh], track[fresh]
    starts = np.flatnonzero(np.concatenate([np.ones(min(len(key), 1), dtype=bool), key[1:] != key[:-1]]))
    sizes = np.diff(starts, append=len(key))
    useful = np.repeat((sizes > 1) & (sizes <= most_sharing), sizes)
    key, entry, track = key[useful], entry[useful], track[useful]
    place = entry - offsets[track]
    pairs = [np.empty((4, 0), dtype=np.int64)]
    at = np.arange(len(key))
    for step in range(1, most_sharing):
        at = at[: np.searchsorted(at, len(key) - step)]
        at = at[key[at] == key[at + step]]
        if not len(at):
            break
        shift = place[at + step] - place[at]
        pairs.append(np.stack([track[at], track[at + step], shift, np.ones_like(at)]))
    return np.concatenate(pairs, axis=1)


def _tally(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add up the votes of equal (first, second, shift); sorted by these."""
    pairs = pairs[:, np.lexsort(pairs[2::-1])]
    if not pairs.shape[1]:
        return pairs
    starts = np.flatnonzero(np.concatenate([[True], (np.diff(pairs[:3], axis=1) != 0).any(axis=0)]))
    return np.concatenate([pairs[:3, starts], np.add.reduceat(pairs[3], starts)[None]])


def _best_shift(tallied: NDArray[np.int64], votes: int) -> Candidates:
    """Keep each pair's shift with most votes, those of the neighbouring shifts counted too."""
    first, second, shift, count = tallied
    next_to = (first[1:] == first[:-1]) & (second[1:] == second[:-1]) & (shift[1:] - shift[:-1] == 1)
    total = count.copy()
    total[:-1] += count[1:] * next_to
    total[1:] += count[:-1] * next_to
    order = np.lexsort([np.abs(shift), -total, second, first])
    first, second, shift, total = (row[order] for row in (first, second, shift, total))
    best = np.ones(len(first), dtype=bool)
    best[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    best &= total >= votes
    return Candidates(first[best], second[best], shift[best], total[best])


def distance_at(
    tracks: Tracks,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    shift: NDArray[np.int64],
    *,
    slack: int,
    least_words: int,
) -> NDArray[np.float64]:
    """Compare pairs of tracks word by word at a given shift, or at one up to `slack` beside it.

    Parameters
    ----------
    tracks : Tracks
        The tracks.
    first, second, shift : ndarray of int64 (p,)
        As in :class:`Candidates`.
    slack : int
        Words.
    least_words : int
        Valid words that must overlap, and half of those of the track that has fewer.

    Returns
    -------
    ndarray of float64 (p,)
        Share of bits that differ, the smallest over the shifts; nan where too little overlaps.
    """
    sums = np.concatenate([[0], np.cumsum(tracks.valid)])
    valid = sums[tracks.offsets[1:]] - sums[tracks.offsets[:-1]]
    needed = np.maximum(least_words, np.minimum(valid[first], valid[second]) / 2)
    best = np.full(len(first), np.nan)
    for beside in sorted(range(-slack, slack + 1), key=abs):
        best = np.fmin(best, _distance(tracks, first, second, shift + beside, needed))
    return best


def _distance(
    tracks: Tracks,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    shift: NDArray[np.int64],
    needed: NDArray[np.float64],
) -> NDArray[np.float64]:
    length = np.diff(tracks.offsets)
    start = np.maximum(0, -shift)
    sizes = np.maximum(np.minimum(length[first], length[second] - shift) - start, 0)
    result = np.full(len(first), np.nan)
    bits = tracks.words.dtype.itemsize * 8
    ends = np.cumsum(sizes)
    marks = np.arange(0, (ends[-1] if len(ends) else 0) + _AT_ONCE, _AT_ONCE)
    cuts = np.unique(np.searchsorted(ends, marks, side="right"))
    for low, high in pairwise(cuts.tolist()):
        size = sizes[low:high]
        pair = np.repeat(np.arange(low, high), size)
        step = np.arange(len(pair)) - np.repeat(np.cumsum(size) - size, size) + start[pair]
        one = tracks.offsets[first[pair]] + step
        other = tracks.offsets[second[pair]] + step + shift[pair]
        both = tracks.valid[one] & tracks.valid[other]
        differ = np.bitwise_count(tracks.words[one] ^ tracks.words[other]) * both
        number = np.bincount(pair - low, both, minlength=high - low)
        total = np.bincount(pair - low, differ, minlength=high - low)
        enough = number >= needed[low:high]
        result[low:high][enough] = total[enough] / number[enough] / bits
    return result
