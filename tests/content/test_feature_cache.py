"""What is kept is whole, belongs where it lies, and is not kept for ever."""

import errno
import os
import shutil
import time

import numpy as np
import pytest

from avrec_lib.content import feature_cache
from avrec_lib.content.__main__ import main
from avrec_lib.content.checked_files import read_checked, write_checked
from avrec_lib.content.extractor import Extractor
from avrec_lib.content.feature_cache import DamagedCacheWarning, FeatureCache, cached_folders, forget
from tests.content import toy_extractors as toys
from tests.content.wrong_headers import WRONG_HEADERS

TOY = Extractor("toy", toys.size_and_first, ("one", "two"))
OTHER = Extractor("other", toys.size_and_first, ("one", "two"))


def vector(*numbers):
    return np.array(numbers, np.float32)


@pytest.fixture
def cache(tmp_path):
    cache = FeatureCache(TOY, tmp_path)
    cache.put("k1", vector(1, 2))
    cache.put("k2", "NoFeaturesError: nothing")
    cache.flush()
    return cache


def pack(cache):
    (path,) = cache.folder.glob("*.safetensors")
    return path


def test_what_was_kept_comes_back_and_the_rest_is_unknown(cache, tmp_path):
    again = FeatureCache(TOY, tmp_path)
    np.testing.assert_array_equal(again.get("k1"), [1, 2])
    assert again.get("k2") == "NoFeaturesError: nothing" and again.get("k3") is None
    assert not list(again.folder.glob(".*"))


def damage_cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def damage_byte(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def damage_empty(path):
    path.write_bytes(b"")


def damage_link(path):
    shutil.move(path, path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def damage_folder(path):
    path.unlink()
    path.mkdir()
    (path / "x").touch()


def damage_fifo(path):
    path.unlink()
    os.mkfifo(path)


def rewrite(path, **change):
    """Write the pack anew with other contents, and with the right hash of them."""
    arrays, manifest = read_checked(path)
    matrix = change.pop("matrix", arrays["matrix"])
    write_checked(path, {"matrix": matrix} if isinstance(matrix, np.ndarray) else matrix, manifest | change)


NOTHING = [np.nan, np.nan]
CONTRADICTIONS = {
    "nan_without_a_reason": {"matrix": np.float32([NOTHING, NOTHING])},
    "infinite": {"matrix": np.float32([[np.inf, 1], NOTHING])},
    "reason_beside_numbers": {"matrix": np.float32([[1, 2], [3, 4]])},
    "reason_of_nobody": {"reasons": {"k2": "it is blank", "k9": "it is blank"}},
    "reason_that_is_no_text": {"reasons": {"k2": 7}},
    "reasons_that_are_a_list": {"reasons": ["k2"]},
    "double_precision": {"matrix": np.float64([[1, 2], NOTHING])},
    "another_width": {"matrix": np.float32([[1], [np.nan]])},
    "no_table": {"matrix": np.float32([1, 2])},
    "no_matrix": {"matrix": {"another": np.float32([[1, 2], NOTHING])}},
    "same_key_twice": {"keys": ["k1", "k1"], "reasons": {}, "matrix": np.float32([[1, 2], [3, 4]])},
    "keys_that_are_lists": {"keys": [["k1"], ["k2"]]},
    "keys_that_are_one_word": {"keys": "k1"},
    "no_keys": {"keys": None},
    "a_version_that_is_a_list": {"version": []},
}


@pytest.mark.parametrize("change", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_pack_that_contradicts_itself_is_made_again_and_named(cache, tmp_path, change):
    path = pack(cache)
    rewrite(path, **change)
    with pytest.warns(DamagedCacheWarning, match=path.name):
        again = FeatureCache(TOY, tmp_path)
    assert again.get("k1") is None and again.get("k2") is None and not list(again.folder.iterdir())


@pytest.mark.parametrize("header", [*WRONG_HEADERS.values()], ids=[*WRONG_HEADERS])
def test_a_header_of_another_structure_is_made_again_and_named(cache, tmp_path, header):
    path = pack(cache)
    path.write_bytes(header)
    with pytest.warns(DamagedCacheWarning, match=path.name):
        assert FeatureCache(TOY, tmp_path).get("k1") is None


@pytest.mark.parametrize("folder", ["root", "default"])
def test_a_folder_to_which_others_may_write_is_not_believed(tmp_path, monkeypatch, folder):
    root = tmp_path / "features"
    monkeypatch.setenv("AVREC_CACHE", str(tmp_path))
    FeatureCache(TOY, root)
    assert root.stat().st_mode & 0o077 == 0
    root.chmod(0o722)
    with pytest.raises(PermissionError, match=r"features belongs to another user or others may write.*cache="):
        FeatureCache(TOY, root if folder == "root" else None)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_believed(tmp_path):
    root = tmp_path / "features"
    root.mkdir(mode=0o700)
    os.chown(root, 12345, -1)
    with pytest.raises(PermissionError, match="another user"):
        FeatureCache(TOY, root)


DAMAGES = [damage_cut, damage_byte, damage_empty, damage_link, damage_folder]
no_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes in folders")


@pytest.mark.parametrize("damage", [*DAMAGES, pytest.param(damage_fifo, marks=no_pipes)], ids=lambda f: f.__name__)
def test_a_damaged_or_linked_entry_is_removed_and_made_again(cache, tmp_path, damage):
    damage(path := pack(cache))
    with pytest.warns(DamagedCacheWarning, match=path.name):
        again = FeatureCache(TOY, tmp_path)
    assert again.get("k1") is None and not list(again.folder.iterdir())
    again.put("k1", vector(3, 4))
    again.flush()
    np.testing.assert_array_equal(FeatureCache(TOY, tmp_path).get("k1"), [3, 4])
    if damage is damage_link:
        assert (tmp_path / "elsewhere").exists(), "what the link pointed to is somebody else's"


def test_an_entry_of_another_extractor_is_not_believed(cache, tmp_path):
    other = FeatureCache(OTHER, tmp_path)
    shutil.copy(pack(cache), other.folder / "foreign.safetensors")
    with pytest.warns(DamagedCacheWarning, match=r"foreign.*no pack of other"):
        assert FeatureCache(OTHER, tmp_path).get("k1") is None
    assert not list(other.folder.iterdir())
    assert FeatureCache(TOY, tmp_path).get("k1") is not None


def test_a_linked_folder_is_not_written_through(tmp_path):
    folder = FeatureCache(TOY, tmp_path).folder
    folder.rmdir()
    (tmp_path / "target").mkdir()
    folder.symlink_to(tmp_path / "target")
    cache = FeatureCache(TOY, tmp_path)
    cache.put("k", vector(1, 2))
    cache.flush()
    assert not list((tmp_path / "target").iterdir()) and FeatureCache(TOY, tmp_path).get("k") is not None


def test_many_small_files_become_one_and_nothing_is_lost(tmp_path):
    for number in range(30):
        cache = FeatureCache(TOY, tmp_path)
        cache.put(f"k{number}", vector(number, 0))
        cache.flush()
    assert len(list(cache.folder.iterdir())) <= feature_cache._PACKS
    again = FeatureCache(TOY, tmp_path)
    assert [again.get(f"k{number}")[0] for number in range(30)] == list(range(30))


def test_files_merged_by_another_process_while_they_are_read_lose_nothing(cache, tmp_path, monkeypatch):
    original = feature_cache.read_checked

    def merged_meanwhile(path, **options):
        monkeypatch.setattr(feature_cache, "read_checked", original)
        cache._merge()  # removes the file that the other is about to open
        return original(path, **options)

    monkeypatch.setattr(feature_cache, "read_checked", merged_meanwhile)
    np.testing.assert_array_equal(FeatureCache(TOY, tmp_path).get("k1"), [1, 2])


def test_a_pack_that_grows_too_large_forgets_what_came_first(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_cache, "_LARGEST", 100 * 88)
    cache = FeatureCache(TOY, tmp_path)
    for number in range(400):
        cache.put(f"k{number}", vector(number, 0))
        if number % 10 == 9:
            cache.flush()
    assert cache.get("k0") is not None, "who is at work still has all"
    again = FeatureCache(TOY, tmp_path)
    assert again.get("k399") is not None and again.get("k0") is None
    assert len(again._found) <= 200


def test_a_manifest_that_grows_too_long_forgets_what_came_first(tmp_path, monkeypatch):
    monkeypatch.setattr(feature_cache, "_HEADER", 20_000)
    cache = FeatureCache(TOY, tmp_path)
    for number in range(400):
        cache.put(f"{number:064x}", "NoFeaturesError: the sound is silent")
        if number % 10 == 9:
            cache.flush()
    header = [int.from_bytes(path.read_bytes()[:8], "little") for path in cache.folder.iterdir()]
    assert max(header) <= 20_000, "safetensors refuses longer ones, and then nothing would be kept"
    again = FeatureCache(TOY, tmp_path)
    assert again.get(f"{399:064x}") is not None and again.get(f"{0:064x}") is None


def test_others_may_not_write_to_a_folder_whatever_they_may_by_default(tmp_path):
    before = os.umask(0)
    try:
        root = tmp_path / "features"
        root.mkdir(mode=0o755)
        assert FeatureCache(TOY, root).folder.stat().st_mode & 0o077 == 0
    finally:
        os.umask(before)


def test_a_full_disk_leaves_what_was_kept_before_and_nothing_half_written(cache, tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    cache.put("k3", vector(5, 6))
    with pytest.raises(OSError, match="the disk is full: no room for"):
        cache.flush()
    monkeypatch.undo()
    assert len(list(cache.folder.iterdir())) == 1
    again = FeatureCache(TOY, tmp_path)
    assert again.get("k1") is not None and again.get("k3") is None


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot be written.*set AVREC_CACHE"):
        FeatureCache(TOY, tmp_path / "file")


def test_what_a_killed_writer_left_is_removed_once_it_is_old(cache, tmp_path):
    old, young = cache.folder / ".old.partial", cache.folder / ".young.partial"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    FeatureCache(TOY, tmp_path)
    assert young.exists() and not old.exists()


def test_folders_of_the_readers_own_are_never_forgotten(cache, tmp_path):
    own = [tmp_path / f"holiday-{year}" for year in range(2015, 2023)]
    own += [tmp_path / f"toy-{age:016d}" for age in range(6)]  # named as ours, and holding something else
    for folder in own:
        folder.mkdir()
        (folder / "photo.jpg").write_bytes(b"x")
        os.utime(folder, (0, 0))
    assert cache.folder in {one.path for one in cached_folders(tmp_path)}
    assert forget(tmp_path, keep=0) == []
    assert all((folder / "photo.jpg").exists() for folder in own)


def test_versions_that_were_not_used_lately_are_forgotten_and_only_they(cache, tmp_path):
    days = 86_400.0
    for age in range(6):
        folder = tmp_path / f"toy-{age:016d}"
        folder.mkdir()
        (folder / f"{age:032x}.npy").write_bytes(b"x" * 10)
        os.utime(folder, (time.time() - (20 + age) * days,) * 2)
    lonely = FeatureCache(OTHER, tmp_path).folder
    os.utime(lonely, (0, 0))
    assert len(cached_folders(tmp_path)) == 8
    gone = forget(tmp_path)
    assert sorted(one.path.name for one in gone) == [f"toy-{age:016d}" for age in (2, 3, 4, 5)]
    assert cache.folder.exists() and lonely.exists() and gone[0].size == 10
    assert not forget(tmp_path)
    assert [one.name for one in forget(tmp_path, keep=0, unused_seconds=0, name="other")] == ["other"]
    forget(tmp_path, keep=0, unused_seconds=0)
    assert not list(tmp_path.iterdir())
    cache.put("k4", vector(1, 1))
    cache.flush()  # another process forgot the folder meanwhile
    assert FeatureCache(TOY, tmp_path).get("k4") is not None


def test_the_command_lists_and_forgets(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AVREC_CACHE", str(tmp_path))
    for extractor in (TOY, OTHER):
        cache = FeatureCache(extractor)
        cache.put("k", vector(1, 2))
        cache.flush()
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert f"toy-{TOY.version}" in listed and f"other-{OTHER.version}" in listed and str(tmp_path) in listed
    assert main(["forget"]) == 0 and "removed 0" in capsys.readouterr().out
    assert main(["forget", "--all", "--name", "other"]) == 0 and "removed 1" in capsys.readouterr().out
    assert [one.name for one in cached_folders()] == ["toy"]
    assert main(["forget", "--all"]) == 0 and not cached_folders()
