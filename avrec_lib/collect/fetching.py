"""Fetch a real data set from its official address: licence first, hashes always, no half file ever.

Each file is downloaded beside its place and moved there once its hash is right, so a
fetch that was cut off goes on where it stopped: what is complete is not asked for again.
"""

import logging
import lzma
import os
import shutil
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import httpx
import pooch
from tqdm.auto import tqdm

from avrec_lib.collect.registry import DataDamagedError, Entry, KnownFile, data_folders, read_checked, read_registry

__all__ = ["FetchFailedError", "fetch_dataset"]

ARCHIVE_LIMIT = 400_000_000
"""Bytes of an archive at the most; the largest known one has 40 million."""
_GONE = (401, 403, 404, 410)
_LEAST_RATE = 4_000.0  # bytes a second over the whole file, after a first pause: a drip is no answer
# What reading a member of a damaged, encrypted or strangely packed zip file raises beside BadZipFile.
_BAD_ARCHIVE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, OSError)


class FetchFailedError(RuntimeError):
    """No address gave the file; the message tells what each one answered."""


def _download(limit: int, pause_seconds: float) -> Callable[[str, str, object], None]:
    """Make a downloader for pooch that streams, and stops at a number of bytes."""

    def download(url: str, output_file: str, _: object) -> None:
        timeout = httpx.Timeout(pause_seconds, pool=None)
        begun = time.monotonic()
        # A packed answer may unpack to anything, so none is asked for and none is taken.
        with (
            httpx.stream(
                "GET", url, timeout=timeout, follow_redirects=True, headers={"Accept-Encoding": "identity"}
            ) as answer,
            Path(output_file).open("wb") as stream,
        ):
            answer.raise_for_status()
            packing = answer.headers.get("content-encoding", "identity")
            if packing.strip().lower() not in ("", "identity"):
                raise DataDamagedError(f"came packed ({packing[:40]}) though the plain file was asked for")
            got = 0
            for chunk in answer.iter_raw():
                got += len(chunk)
                if got > limit:
                    raise DataDamagedError(f"more than the {limit:,} bytes that were expected")
                stream.write(chunk)
                seconds = time.monotonic() - begun
                if seconds > pause_seconds + got / _LEAST_RATE:
                    raise DataDamagedError(f"only {got:,} bytes in {seconds:.0f} s; try again later")

    return download


def _try(
    urls: list[str], name: str, sha256: str | None, staging: Path, limit: int, retries: int, pause_seconds: float
) -> Path:
    """Download from the first address that gives the right file; otherwise say what each one did."""
    said: dict[str, str] = {}
    downloader = _download(limit, pause_seconds)
    for url in urls:
        for attempt in range(retries + 1):
            if attempt:
                time.sleep(min(0.5 * 2 ** (attempt - 1), 8.0))
            try:
                got = pooch.retrieve(
                    url,
                    known_hash=f"sha256:{sha256}" if sha256 else None,
                    fname=Path(name).name,
                    path=staging,
                    downloader=downloader,
                )
            except httpx.HTTPStatusError as error:
                said[url] = f"status {error.response.status_code}"
                if error.response.status_code in _GONE:
                    break
            except httpx.HTTPError as error:
                said[url] = f"{type(error).__name__} {error}".rstrip()
            except DataDamagedError as error:
                said[url] = str(error)
                break
            except ValueError:  # pooch's word for a wrong hash
                said[url] = "not the published file (another sha256)"
            else:
                return Path(got)
    answers = "; ".join(f"{url}: {what}" for url, what in said.items())
    raise FetchFailedError(f"{name} could not be fetched after {retries + 1} tries: {answers}")


def _from_files(
    entry: Entry, wanted: list[str], folder: Path, staging: Path, retries: int, pause: float, bar: tqdm
) -> None:
    for name in list(wanted):
        file = entry.files[name]
        urls = [*file.urls, *(base + quote(name) for base in entry.bases)]
        _place(_try(urls, name, file.sha256, staging, file.size, retries, pause), folder, file)
        wanted.remove(name)
        bar.update(file.size)


def _place(got: Path, folder: Path, file: KnownFile) -> None:
    target = folder / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    got.replace(target)


def _from_archive(
    entry: Entry, wanted: list[str], folder: Path, staging: Path, retries: int, pause: float, bar: tqdm
) -> None:
    archive = _try(list(entry.archives), f"{entry.folder}.zip", None, staging, ARCHIVE_LIMIT, retries, pause)
    try:
        with zipfile.ZipFile(archive) as held:
            # All lies below one folder, whose name depends on the branch.
            members = {info.filename.partition("/")[2]: info for info in held.infolist() if not info.is_dir()}
            for name in list(wanted):
                file = entry.files[name]
                if name not in members or members[name].file_size != file.size:
                    raise FetchFailedError(f"the archive of {entry.name} has no {name} of {file.size:,} bytes")
                unpacked = staging / "unpacked"
                try:
                    with held.open(members[name]) as source, unpacked.open("wb") as stream:
                        shutil.copyfileobj(source, stream)
                except _BAD_ARCHIVE as error:
                    if isinstance(error, OSError) and error.errno is not None:
                        raise  # the disk's own trouble, such as a full one, and no fault of the archive
                    why = f"{type(error).__name__}: {error}"
                    raise FetchFailedError(f"{name} cannot be unpacked from {entry.archives[0]} ({why})") from error
                if pooch.file_hash(str(unpacked)) != file.sha256:
                    raise FetchFailedError(f"in {entry.archives[0]}, {name} is not the published file (another sha256)")
                _place(unpacked, folder, file)
                wanted.remove(name)
                bar.update(file.size)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise FetchFailedError(f"{entry.archives[0]} gave no whole zip file ({error}); try again later") from error


def _really_absent(entry: Entry, folder: Path) -> Iterator[str]:
    """Name the files that are absent or not the published ones; the latter stay until the right one is here."""
    for file in entry.files.values():
        path = folder / file.name
        if path.exists() and not path.is_file():
            raise FetchFailedError(f"{path} is no ordinary file; move it away and fetch {entry.name} again")
        try:
            read_checked(folder, file, command=entry.command)
        except (DataDamagedError, FileNotFoundError):
            yield file.name


def fetch_dataset(
    name: str,
    *,
    home: str | os.PathLike[str] | None = None,
    registry: Mapping[str, Entry] | None = None,
    retries: int = 3,
    pause_seconds: float = 30.0,
    show: Callable[[str], object] | None = None,
    progress: bool = True,
) -> Path:
    """Fetch a data set from its official address, unless it is here already.

    Parameters
    ----------
    name : str
        One of the register.
    home : path, optional
        The folder that holds the data sets' folders; by default ``AVREC_DATA_HOME``, or the library's cache.
    registry : mapping, optional
        Another register than the library's.
    retries : int
        How often a failing address is asked again, with growing pauses.
    pause_seconds : float
        How long a server may be silent.
    show : callable, optional
        Is given the licence before anything is asked for; by default it is printed to stderr.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Path
        The folder with all files, each checked.

    Raises
    ------
    KeyError
        If there is no data set of that name.
    FetchFailedError
        If a file could not be had, or a folder or a pipe is in its place; files that were complete before stay.
    PermissionError
        If the folder may not be written to.
    """
    known = read_registry() if registry is None else registry
    if name not in known:
        raise KeyError(f"no data set named {name!r}; there are {', '.join(known)}")
    entry = known[name]
    folder = data_folders(entry, home)[0]
    wanted = list(_really_absent(entry, folder))
    if not wanted:
        return folder
    told = f"{entry.title}\nlicence: {entry.licence}\n         {entry.licence_address}\nplease cite: {entry.citation}"
    (show or _to_stderr)(told)
    pooch.get_logger().setLevel(logging.ERROR)
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    total = sum(entry.files[file].size for file in wanted)
    with (
        tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as staging,
        tqdm(total=total, unit="B", unit_scale=True, desc=name, disable=None if progress else True) as bar,
    ):
        ways = [_from_archive] * bool(entry.archives)
        if entry.bases or any(file.urls for file in entry.files.values()):
            ways.insert(0, _from_files)
        said = []
        for way in ways:
            try:
                way(entry, wanted, folder, Path(staging), retries, pause_seconds, bar)
            except FetchFailedError as error:
                said.append(str(error))
            else:
                return folder
    raise FetchFailedError(
        f"{name} is not complete: {'. '.join(said)}. You may also take its files from {entry.address} "
        f"and put them into {folder}"
    )


def _sweep(folder: Path) -> None:
    """Remove what a killed fetch left a day ago or more; a younger one may still be at work."""
    for left in folder.glob(".fetching-*"):
        if time.time() - left.stat().st_mtime > 86_400:
            shutil.rmtree(left, ignore_errors=True)


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)
