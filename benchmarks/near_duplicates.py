"""Search for near-duplicates: `find_near_duplicates` against comparing all pairs, on fingerprints made without media.

Each clip has 12 hashes of pictures, which drift as a film does, and 500 words of sound. Two of a hundred clips are
copies: each bit of sound is turned with a chance of 9 %, each bit of a picture with 5 %, and every fourth copy lacks
one of the two. One clip in ten opens with the same ident, in picture and in sound, which must not make buckets explode.
Times are processor seconds of one core; the exponent is the slope of log time over log size, first row to last.
"""

import platform
import time
from collections.abc import Sequence

import numpy as np

from avrec_lib.prepare.fingerprints import Fingerprints, Tracks
from avrec_lib.prepare.near_duplicates import PICTURE_LIMIT, find_near_duplicates
from avrec_lib.prepare.track_search import distance_at
from benchmarks.command_line import command_line
from benchmarks.memory import most_held

__all__ = ["main", "make_fingerprints"]

PICTURES, WORDS = 12, 500


def _noise(rng: np.random.Generator, shape: tuple[int, ...], bits: int, share: float) -> np.ndarray:
    """Draw words whose bits are 1 with a chance of `share`, in 64ths."""
    level, words = round(share * 64), np.zeros(shape, dtype=f"u{bits // 8}")
    for step in range(6):  # a random word, and or or for each binary digit of the chance, the lowest first
        fresh = rng.integers(0, 1 << bits, shape, dtype=words.dtype, endpoint=False)
        words = fresh | words if level >> step & 1 else fresh & words
    return words


def make_fingerprints(clips: int, seed: int = 0, copies: float = 0.02) -> tuple[Fingerprints, set[tuple[int, int]]]:
    """Make up fingerprints with planted copies.

    Parameters
    ----------
    clips : int
        How many, copies included.
    seed : int
        Randomness.
    copies : float
        Share of copies.

    Returns
    -------
    fingerprints : Fingerprints
        The clips.
    planted : set of (int, int)
        Rows of original and copy, the smaller first.
    """
    rng = np.random.default_rng([seed, clips])
    # Pictures half a second apart differ in some 5 bits of 64, windows of sound 12 ms apart in some 3 of 32.
    picture = np.bitwise_xor.accumulate(_noise(rng, (clips, PICTURES), 64, 5 / 64), axis=1)
    picture ^= rng.integers(0, 1 << 64, (clips, 1), dtype=np.uint64, endpoint=False)
    sound = np.bitwise_xor.accumulate(_noise(rng, (clips, WORDS), 32, 6 / 64), axis=1)
    sound ^= rng.integers(0, 1 << 32, (clips, 1), dtype=np.uint32, endpoint=False)
    ident = rng.random(clips) < 0.1
    picture[ident, :2], sound[ident, :80] = picture[0, :2], sound[0, :80]
    pairs = rng.permutation(clips)[: 2 * round(copies * clips)].reshape(-1, 2)
    picture[pairs[:, 1]] = picture[pairs[:, 0]] ^ _noise(rng, (len(pairs), PICTURES), 64, 3 / 64)
    sound[pairs[:, 1]] = sound[pairs[:, 0]] ^ _noise(rng, (len(pairs), WORDS), 32, 6 / 64)
    heard, seen = np.ones(sound.shape, dtype=bool), np.ones(picture.shape, dtype=bool)
    seen[pairs[::8, 1]], heard[pairs[4::8, 1]] = False, False
    found = Fingerprints(
        np.array([f"c{row:07d}" for row in range(clips)]),
        Tracks(picture.ravel(), seen.ravel(), np.arange(clips + 1) * PICTURES),
        Tracks(sound.ravel(), heard.ravel(), np.arange(clips + 1) * WORDS),
    )
    return found, {(min(pair), max(pair)) for pair in pairs.tolist()}


def all_pairs(fingerprints: Fingerprints) -> int:
    """Compare every clip with every other at the right shift; return the number of pairs alike in picture."""
    rows, n = np.arange(len(fingerprints)), len(fingerprints)
    alike = 0
    for row in range(n - 1):
        others = rows[row + 1 :]
        first = np.full(len(others), row)
        shift = np.zeros(len(others), dtype=np.int64)
        alike += int(
            (distance_at(fingerprints.picture, first, others, shift, slack=0, least_words=3) <= PICTURE_LIMIT).sum()
        )
    return alike


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; without it the program's own.
    """
    parser = command_line("near_duplicates", __doc__)
    parser.add_argument("--most", type=int, default=100_000, help="clips in the last row (default: 100000)")
    parser.add_argument("--all-pairs", type=int, default=3000, help="most clips compared all with all (default: 3000)")
    options = parser.parse_args(arguments)
    sizes = [size for size in (1000, 3000, 10_000, 30_000, 100_000) if size <= options.most]
    if not sizes:
        parser.error("--most must be 1000 or more")
    print(f"fingerprints of {PICTURES} pictures and {WORDS} words of sound ({platform.machine()})\n")
    print(f"{'clips':>8}{'seconds':>10}{'precision':>11}{'recall':>8}{'all pairs, picture alone':>26}{'ratio':>8}")
    find_near_duplicates(make_fingerprints(100)[0])
    seconds = []
    for size in sizes:
        fingerprints, planted = make_fingerprints(size)
        began = time.process_time()
        pairs = find_near_duplicates(fingerprints)
        seconds.append(time.process_time() - began)
        rows = pairs[["first", "second"]].apply(lambda ids: ids.str.slice(1).astype(int))
        got = set(rows.itertuples(index=False, name=None))
        hits = len(got & planted)
        line = f"{size:8d}{seconds[-1]:10.2f}{hits / max(len(got), 1):11.3f}{hits / len(planted):8.3f}"
        if size <= options.all_pairs:
            began = time.process_time()
            all_pairs(fingerprints)
            slow = time.process_time() - began
            line += f"{slow:24.2f} s{slow / seconds[-1]:7.1f}x"
        print(line, flush=True)
    if len(sizes) > 1:
        exponent = np.log(seconds[-1] / seconds[0]) / np.log(sizes[-1] / sizes[0])
        print(f"\nTime grows as the number of clips to the power of {exponent:.2f}.")
    print(f"Most memory held, fingerprints and their making included: {most_held() / 1e9:.2f} GB.")


if __name__ == "__main__":
    main()
