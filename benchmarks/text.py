"""Encode the texts of clips with all-MiniLM-L6-v2: batched by length against one by one, on one core.

The texts are those of a catalogue without media. All ways run side by side, in rounds that take turns, and the middle
round of each counts, so that what else the machine does falls on all of them. The vectors of all ways must agree.
"""

import platform
import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch

from avrec_lib.content.encoders import TextEncoder, load_text_encoder
from avrec_lib.content.text import document, masked_mean
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.text import write_text
from benchmarks.command_line import command_line

__all__ = ["main"]


def make_texts(clips: int, seed: int = 0) -> list[str]:
    """Write the texts of a catalogue: every second one whole, the others the title alone."""
    catalogue = sample_catalogue(clips, seed=seed)
    written = write_text(catalogue, seed=seed).assign(clip_id=catalogue["clip_id"])
    whole, titles = document(written), document(written, fields=["title"])
    return whole.where(np.arange(clips) % 2 == 0, titles).tolist()


def in_given_order(encoder: TextEncoder, texts: list[str], batch: int) -> np.ndarray:
    """Encode batches as they come: short texts wait for the longest of their batch."""
    ids, parts = encoder.token_ids(texts), []
    for start in range(0, len(ids), batch):
        states, mask = encoder.states(ids[start : start + batch])
        parts.append(torch.nn.functional.normalize(masked_mean(states, mask), dim=1))
    return torch.cat(parts).numpy()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; without it the program's own.
    """
    parser = command_line("text", __doc__)
    parser.add_argument("--clips", type=int, default=256, help="texts to encode (default: 256)")
    parser.add_argument("--batch", type=int, default=16, help="texts of a batch (default: 16)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each way, the middle one counts (default: 3)")
    options = parser.parse_args(arguments)
    if min(options.clips, options.batch, options.rounds) < 1:
        parser.error("--clips, --batch and --rounds are at least 1")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        encoder, texts = load_text_encoder(device="cpu"), make_texts(options.clips)
        lengths = [len(ids) for ids in encoder.token_ids(texts)]
        ways: dict[str, Callable[[], np.ndarray]] = {
            "one by one": lambda: encoder.encode(texts, batch_size=1),
            "batches as they come": lambda: in_given_order(encoder, texts, options.batch),
            "batches by length": lambda: encoder.encode(texts, batch_size=options.batch),
        }
        encoder.encode(texts[:8])
        taken: dict[str, list[float]] = {way: [] for way in ways}
        vectors: dict[str, np.ndarray] = {}
        for _ in range(options.rounds):
            for way, encode in ways.items():
                began = time.process_time()
                vectors[way] = encode()
                taken[way].append(time.process_time() - began)
    finally:
        torch.set_num_threads(threads)
    print(
        f"{len(texts)} texts of {min(lengths)} to {max(lengths)} tokens (mean {np.mean(lengths):.0f}), batches of "
        f"{options.batch}, one core ({platform.machine()}), seconds of the processor\n"
    )
    seconds = pd.Series({way: float(np.median(rounds)) for way, rounds in taken.items()})
    print(f"{'way':24}{'seconds':>10}{'clips a second':>16}{'ratio':>8}")
    for way, spent in seconds.items():
        print(f"{way:24}{spent:10.2f}{len(texts) / spent:16.0f}{seconds['one by one'] / spent:7.1f}x")
    apart = max(float(np.abs(vectors[way] - vectors["one by one"]).max()) for way in ways)
    print(f"\nLargest difference between the vectors: {apart:.1e}")
    assert apart < 1e-5, "the ways do not agree"


if __name__ == "__main__":
    main()
