"""The card at the head of a chapter."""

from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup

from avrec_lib.publish.glance import STAGES, at_a_glance, fill_measured, pipeline_map, pipeline_picture

SVG = "{http://www.w3.org/2000/svg}"


def lit(stage: object) -> set[str]:
    root = ElementTree.fromstring(pipeline_picture(stage))
    boxes = [
        (text.text, text.get("font-weight")) for text in root.findall(f"{SVG}text") if text.get("font-size") == "15"
    ]
    return {str(name) for name, weight in boxes if weight == "700"}


@pytest.mark.parametrize("stage", [name for name in STAGES if name != "feedback"])
def test_each_stage_lights_its_own_box_and_no_other(stage: str) -> None:
    assert lit(stage) == {stage}


def test_groups_light_their_boxes() -> None:
    assert lit("content") == {"text", "vision", "audio"}
    assert lit(["match", "users"]) == {"match", "users"}
    assert lit("all") == set(STAGES) - {"feedback"}
    assert 'stroke-width="3"' in pipeline_picture("feedback") and not lit("feedback")


def test_the_picture_says_in_words_what_it_shows() -> None:
    root = ElementTree.fromstring(pipeline_picture("fusion"))
    title = root.find(f"{SVG}title")
    assert root.get("role") == "img" and title is not None and "This chapter: fusion." in str(title.text)


def test_boxes_lie_inside_the_picture_and_apart() -> None:
    root = ElementTree.fromstring(pipeline_picture("all"))
    _, _, width, height = map(float, str(root.get("viewBox")).split())
    boxes = [
        tuple(float(str(box.get(side))) for side in ("x", "y", "width", "height")) for box in root.iter(f"{SVG}rect")
    ]
    assert len(boxes) == len(STAGES) - 1
    for i, (x, y, w, h) in enumerate(boxes):
        assert x >= 0 and x + w <= width and y >= 0 and y + h <= height
        for x2, y2, w2, h2 in boxes[:i]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def card(stage: object) -> str:
    return at_a_glance(can=["see"], before="Nothing.", stage=stage).markup


def test_a_box_of_the_map_leads_to_the_chapter_that_lights_least_besides_it() -> None:
    pages = {
        "all.html": card("all"),
        "see&hear.html": card(["vision", "audio"]),
        "hear.html": f"<p>x</p>{card('audio')}",
    }
    root = ElementTree.fromstring(pipeline_map({**pages, "no-card.html": "<p>data-stages=text</p>"}))
    boxes = {box.findtext(f"{SVG}text"): box for box in root.findall(f"{SVG}a")}
    leads = {name: box.get("href") for name, box in boxes.items()}
    assert leads == dict.fromkeys(set(STAGES) - {"feedback"}, "all.html") | {
        "vision": "see&hear.html",
        "audio": "hear.html",
    }
    filled = {name for name, box in boxes.items() if box.find(f"{SVG}rect").get("fill") != "none"}
    assert filled == {"vision", "audio"}, "a stage that only the chapter about everything lights is not filled"


def test_a_box_without_a_chapter_is_drawn_and_leads_nowhere() -> None:
    root = ElementTree.fromstring(pipeline_map({"text.html": card("text")}))
    assert [box.get("href") for box in root.iter(f"{SVG}a")] == ["text.html"]
    assert len(list(root.iter(f"{SVG}rect"))) == len(STAGES) - 1


@pytest.mark.parametrize("stage", ["vison", "", [], ["match", "Match"]])
def test_a_stage_without_a_box_is_refused(stage: object) -> None:
    with pytest.raises(ValueError, match="stage"):
        at_a_glance(can=["see"], before="Nothing.", stage=stage)


@pytest.mark.parametrize("can", [[], ["  "], "read"])
def test_a_card_that_promises_nothing_is_refused(can: object) -> None:
    with pytest.raises(ValueError, match="can="):
        at_a_glance(can=can, before="Nothing.", stage="all")


def test_the_card_escapes_its_words() -> None:
    page = BeautifulSoup(at_a_glance(can=["read <b>"], before="<script>x</script>", stage="all").markup, "html.parser")
    assert page.find("script") is None and page.find("b") is None
    assert page.li.get_text() == "read <b>"


def test_times_are_filled_in_and_can_be_filled_again() -> None:
    card = at_a_glance(can=["see"], before="Nothing.", stage="all").markup
    assert card.count("measured when the book is built") == 2
    first = fill_measured(card, run_seconds=41.3, read_minutes=22.4)
    assert ">41 seconds<" in first and ">about 22 minutes<" in first and "measured" not in first
    again = fill_measured(first, run_seconds=600, read_minutes=0.2)
    assert ">about 10 minutes<" in again and ">about 1 minute<" in again and "41" not in again.split("<svg")[0]


def test_words_give_minutes() -> None:
    assert "about 10 minutes" in at_a_glance(can=["see"], before="Nothing.", stage="all", words=2000).markup


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_chapter_that_took_no_time_was_not_run(seconds: float) -> None:
    with pytest.raises(ValueError, match="run_seconds"):
        fill_measured("", run_seconds=seconds, read_minutes=1)


def test_html_without_a_card_stays_as_it_is() -> None:
    assert fill_measured("<p>x</p>", run_seconds=3, read_minutes=3) == "<p>x</p>"
