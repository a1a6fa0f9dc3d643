import time

import pytest

from avrec_lib.content.text import plain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a<script>x()</script>b", "a b"),
        ("a<SCRIPT type=x>y</script >b", "a b"),
        ("a<!-- c -->b", "a b"),
        ("a<style>p{}", "a"),
        ("a<!-- never closed", "a"),
        ("scripts <scripted> b", "scripts b"),
    ],
)
def test_what_a_reader_does_not_see_is_cut_even_where_it_is_not_closed(text, words):
    assert plain(text) == words


@pytest.mark.parametrize("opening", ["<script>", "<!--", "<script", "<style x=", "&lt;script&gt;"])
def test_a_hundred_thousand_openings_cost_no_minutes(opening):
    began = time.process_time()
    plain(opening * 100_000)
    assert time.process_time() - began < 5.0  # each opening searched to the end took hours
