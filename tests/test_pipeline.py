"""A pipeline refuses what cannot run, and its graph is what ran."""

import pytest

from avrec_lib.pipeline import Pipeline, Stage


def double(number):
    return 2 * number


def add(twice, number):
    return twice + number


def test_stages_hand_on_what_they_make():
    pipeline = Pipeline((Stage(double, "twice"), Stage(add, "total")))
    assert pipeline.run(number=21) == {"number": 21, "twice": 42, "total": 63}
    assert set(pipeline.seconds) == {"double", "add"} and min(pipeline.seconds.values()) >= 0


def test_the_graph_is_read_from_the_functions():
    pipeline = Pipeline((Stage(double, "twice"), Stage(add, "total")))
    assert pipeline.given == ("number",)
    assert pipeline.edges() == [
        ("number", "double", "number"),
        ("double", "add", "twice"),
        ("number", "add", "number"),
    ]


def test_a_stage_before_its_input_is_refused():
    with pytest.raises(ValueError, match="'add' reads 'twice' before 'double' makes it"):
        Pipeline((Stage(add, "total"), Stage(double, "twice")))


def test_one_value_made_twice_is_refused():
    with pytest.raises(ValueError, match="made by two stages"):
        Pipeline((Stage(double, "twice"), Stage(add, "twice")))


@pytest.mark.parametrize(("given", "sign"), [({}, "needs number"), ({"number": 1, "other": 2}, "no stage reads other")])
def test_what_is_missing_or_unwanted_is_named(given, sign):
    with pytest.raises(TypeError, match=sign):
        Pipeline((Stage(double, "twice"),)).run(**given)
