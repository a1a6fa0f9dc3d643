import nbformat

from avrec_lib.publish.terms import lead_to_chapters, terms_used

GLOSSARY = """# Glossary

```{glossary}
AUC
  Area under the curve.

bag of words
  Counts.
  Of words.

unused
  Nowhere.
```
"""


def chapter(*texts):
    cells = [nbformat.v4.new_markdown_cell(text) for text in texts]
    return nbformat.v4.new_notebook(cells=[*cells, nbformat.v4.new_code_cell("'{term}`unused`'")])


def test_an_entry_leads_to_the_first_chapter_that_uses_its_term_and_to_none_where_there_is_none():
    later = chapter("the {term}`auc` and", "{term}`bags <bag of\nwords>`")
    used = {"11_late": terms_used(later), "02_early": terms_used(chapter("the {term}`AUC`"))}
    assert used["11_late"] == {"auc", "bag of words"}
    led = lead_to_chapters(GLOSSARY, used)
    assert "  Area under the curve.\n  [Chapter 2](../chapters/02_early).\n\nbag" in led
    assert "  Of words.\n  [Chapter 11](../chapters/11_late).\n\nunused\n  Nowhere.\n```\n" in led
