"""The picture of a pipeline holds its stages and its arrows, and nothing runs through a box."""

import re

from avrec_lib.pipeline import Pipeline, Stage
from avrec_lib.publish.graph import draw_pipeline


def grade(log):
    return log


def hear(files):
    return files


def see(files):
    return files


def fuse(sound, picture):
    return sound


def learn(history, items):
    return history


PIPELINE = Pipeline(
    (
        Stage(grade, "history"),
        Stage(hear, "sound"),
        Stage(see, "picture"),
        Stage(fuse, "items"),
        Stage(learn, "interests"),
    )
)


def boxes(markup):
    return [tuple(map(float, found)) for found in re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)"', markup)]


def test_every_stage_and_every_given_value_has_a_box():
    markup = draw_pipeline(PIPELINE).markup
    assert len(boxes(markup)) == 7
    for name in ("grade", "hear", "see", "fuse", "learn", "log", "files"):
        assert f">{name}</text>" in markup


def test_the_title_tells_every_arrow():
    plain = draw_pipeline(PIPELINE).plain
    for start, end, _ in PIPELINE.edges():
        assert f"{start} to {end}" in plain


def test_stages_that_can_run_side_by_side_share_a_row():
    rows = [y for _, y, _ in boxes(draw_pipeline(PIPELINE).markup)]
    assert sorted(rows.count(y) for y in set(rows)) == [1, 1, 2, 3]


def test_an_arrow_that_passes_a_row_goes_beside_its_boxes():
    markup = draw_pipeline(PIPELINE).markup
    (x, y), *_ = [
        (float(a), float(b)) for a, b in re.findall(r" (\d+) (\d+) V\d+", markup)
    ]  # the way of grade to learn, past the row of fuse
    (left, _, width), *_ = [box for box in boxes(markup) if box[1] == y]
    assert not left <= x <= left + width


def test_names_are_escaped():
    def stage(log):
        return log

    stage.__name__ = "<b>bold</b>"
    assert "<b>" not in draw_pipeline(Pipeline((Stage(stage, "x"),))).markup
