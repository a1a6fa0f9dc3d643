"""A very small world with every kind of dirt, made once for all tests of this folder."""

import pytest

from avrec_lib.world import Profile, World, load_world

TINY = Profile("tiny", clips=12, people=30, creators=5)


@pytest.fixture(scope="session")
def tiny_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return load_world(TINY, seed=3, cache=tmp_path_factory.mktemp("cache"), progress=False)
