"""Extractors for the tests, in a module of their own, so that worker processes can import them."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from avrec_lib.content.extractor import Extractor
from avrec_lib.content.features import NoFeaturesError
from avrec_lib.media import MediaError, StalledMediaError


def size_and_first(path):
    content = Path(path).read_bytes()
    return [len(content), content[0] if content else 0]


def sum_of(path, *, sizes, deep):
    return [sum(sizes) + sum(deep["a"])]


def gated(path, *, gate, tally):
    """Describe files of up to 60 bytes; larger ones when the gate is there."""
    path = Path(path)
    while path.stat().st_size > 60 and not Path(gate).exists():
        time.sleep(0.01)
    return slowly(path, seconds=0, tally=tally)


def gated_extractor(tally, gate):
    return Extractor("toy", gated, ("one", "two"), parameters={"tally": str(tally), "gate": str(gate)})


def slowly(path, *, seconds, tally=""):
    time.sleep(seconds)
    if tally:
        with Path(tally).open("a") as file:
            file.write(f"{Path(path).name}\n")
    return size_and_first(path)


def moody(path):
    """Die, run wild or fail, as the file says."""
    word = Path(path).read_text()
    if word == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif word == "abort":
        os.abort()
    elif word == "exit":
        os._exit(3)
    elif word == "grow":
        np.ones(3 << 29, np.uint8)
    elif word == "mistake":
        raise KeyError("a mistake in the extractor")
    elif word == "nothing":
        raise NoFeaturesError("it says nothing")
    elif word == "damaged":
        raise MediaError(path, "is damaged")
    elif word == "stalled":
        raise StalledMediaError(path, "gave nothing for 20 s of decoding")
    elif word == "late":
        time.sleep(0.01)
        raise MediaError(path, "is damaged")
    elif word == "busy":
        raise MediaError(path, "cannot be opened") from OSError(24, "too many open files")
    elif word == "nan":
        return [1.0, np.nan]
    elif word == "long":
        return [1.0, 2.0, 3.0]
    print("a library that prints")
    return [len(word), 1.0]


def deadly(path):
    os.kill(os.getpid(), signal.SIGKILL)


def changing(path):
    Path(path).write_text("something else")
    return [0.0, 0.0]


def letters(texts, *, tally=""):
    """Count letters and vowels; numbers alone say nothing."""
    if tally:
        with Path(tally).open("a") as file:
            file.write("".join(f"{text}\n" for text in texts))
    rows = np.array([[len(text), sum(letter in "aeiou" for letter in text)] for text in texts], dtype=float)
    rows[[text.isdigit() for text in texts]] = np.nan
    return rows


def reads_badly(texts):
    if any("kill" in text for text in texts):
        os.kill(os.getpid(), signal.SIGKILL)
    if any("mistake" in text for text in texts):
        raise KeyError("a mistake in the extractor")
    return letters(texts)
