"""A cache is private to its user, or it is not used."""

import os

import pytest

from avrec_lib.cache import cache_root


def test_the_variable_names_the_folder_and_it_is_made_private(tmp_path, monkeypatch):
    monkeypatch.setenv("AVREC_CACHE", str(tmp_path / "a" / "cache"))
    assert cache_root() == tmp_path / "a" / "cache"
    assert cache_root().stat().st_mode & 0o077 == 0


def test_a_folder_that_others_may_write_to_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("AVREC_CACHE", str(tmp_path))
    tmp_path.chmod(0o777)
    with pytest.raises(PermissionError, match="AVREC_CACHE"):
        cache_root()


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("AVREC_CACHE", str(tmp_path))
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(PermissionError, match="another user"):
        cache_root()
