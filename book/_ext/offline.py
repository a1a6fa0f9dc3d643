"""Formulas without a network: LaTeX becomes MathML while the book is built.

KaTeX does the reading, in an embedded interpreter, so a formula with a mistake
is a warning of the build and never a red box in a page. Browsers draw MathML
by themselves; the page loads one font with the mathematical signs. Also here:
the theme's icons as a font that its style sheet names anyway, in place of a large script.
"""

import importlib.util
import json
import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import dukpy
from docutils import nodes
from pygments.formatters import HtmlFormatter
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

MATHML = "http://www.w3.org/1998/Math/MathML"
STYLES = {
    "bold": "BOLD",
    "italic": "ITALIC",
    "bold-italic": "BOLD ITALIC",
    "double-struck": "DOUBLE-STRUCK",
    "script": "SCRIPT",
    "bold-script": "BOLD SCRIPT",
    "fraktur": "FRAKTUR",
    "sans-serif": "SANS-SERIF",
    "monospace": "MONOSPACE",
}
DIGITS = ("ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")
ICON_SCRIPT = re.compile(r"<script[^>]*scripts/fontawesome\.js[^>]*></script>\s*")
THEBE_SETTINGS = re.compile(
    r'<script type="text/x-thebe-config">.*?</script>\s*<script>kernelName = [^<]*</script>\s*', re.S
)
logger = logging.getLogger(__name__)
ElementTree.register_namespace("", MATHML)


@cache
def interpreter() -> dukpy.JSInterpreter:
    """Return an interpreter that holds KaTeX."""
    spec = importlib.util.find_spec("sphinxcontrib.katex")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package sphinxcontrib-katex is missing; install requirements.lock")
    script = Path(spec.origin).with_name("katex.min.js").read_text(encoding="utf-8")
    machine = dukpy.JSInterpreter()
    machine.evaljs(script + ";0")
    return machine


def styled(character: str, style: str) -> str:
    """Return a character in a mathematical alphabet, or itself where the alphabet lacks it."""
    if character.isdigit():
        names = [f"MATHEMATICAL {style} DIGIT {DIGITS[int(character)]}"]
    else:
        name = unicodedata.name(character, "").replace("LATIN ", "").replace("GREEK ", "").replace(" LETTER", "")
        older = style.replace("FRAKTUR", "BLACK-LETTER")
        names = [f"MATHEMATICAL {style} {name}", f"{older} {name}"]
    for name in names:
        try:
            return unicodedata.lookup(name)
        except KeyError:
            continue
    return character


@lru_cache(maxsize=4096)
def mathml(latex: str, display: bool) -> str:
    """Turn LaTeX into MathML that every current browser draws.

    Browsers follow MathML Core, which knows neither ``mathvariant`` (other
    than ``normal``) nor ``columnalign``: the first becomes characters of the
    mathematical alphabets, the second becomes styles of the cells.
    """
    options = {"output": "mathml", "displayMode": display, "strict": False, "throwOnError": True}
    said = interpreter().evaljs(
        "katex.renderToString(dukpy['latex'], JSON.parse(dukpy['options']))", latex=latex, options=json.dumps(options)
    )
    found = re.search(r"<math.*</math>", said, re.S)
    if found is None:
        raise ValueError("KaTeX returned no MathML")
    root = ElementTree.fromstring(found.group(0))  # noqa: S314 - KaTeX wrote it a line above
    for element in root.iter():
        style = element.get("mathvariant")
        if style in STYLES and element.text:
            element.text = "".join(styled(character, STYLES[style]) for character in element.text)
            del element.attrib["mathvariant"]
    for sign in root.iter(f"{{{MATHML}}}mo"):
        # KaTeX marks the bars of a norm or a size so; a browser would space them like a relation.
        if sign.text in ("\u2223", "\u2225") and sign.get("stretchy") == "false":
            sign.set("lspace", "0")
            sign.set("rspace", "0")
    for table in root.iter(f"{{{MATHML}}}mtable"):
        sides = (table.attrib.pop("columnalign", "") or "center").split()
        for row in table.findall(f"{{{MATHML}}}mtr"):
            for place, cell in enumerate(row.findall(f"{{{MATHML}}}mtd")):
                side = sides[min(place, len(sides) - 1)]
                cell.set("style", f"text-align:{side};text-align:-webkit-{side}")
    return ElementTree.tostring(root, encoding="unicode")


def rendered(self: Any, node: nodes.Node, display: bool) -> str:
    """Return a formula's MathML, or its source and a warning of the build where it has a mistake."""
    latex = node.astext()
    if display and "\\begin{" not in latex and re.search(r"\\\\|(?<!\\)&", latex):
        latex = rf"\begin{{aligned}}{latex}\end{{aligned}}"
    try:
        return mathml(re.sub(r"\\begin\{(align|gather|equation)\*?\}", _inner, _ended(latex)), display)
    except dukpy.JSRuntimeError as error:
        reason = str(error).split("\n")[0]
        logger.warning("formula %r: %s", node.astext(), reason, location=node)
        return f"<code>{self.encode(node.astext())}</code>"


def _inner(found: re.Match[str]) -> str:
    return {"align": r"\begin{aligned}", "gather": r"\begin{gathered}", "equation": "{"}[found.group(1)]


def _ended(latex: str) -> str:
    ends = {"align": r"\end{aligned}", "gather": r"\end{gathered}", "equation": "}"}
    return re.sub(r"\\end\{(align|gather|equation)\*?\}", lambda found: ends[found.group(1)], latex)


def visit_inline(self: Any, node: nodes.math) -> None:
    """Write an inline formula."""
    self.body.append(f'<span class="math notranslate">{rendered(self, node, False)}</span>')
    raise nodes.SkipNode


def visit_display(self: Any, node: nodes.math_block) -> None:
    """Write a displayed formula, with its number and the anchor that links lead to."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate avrec-formula"))
    self.body.append(rendered(self, node, True))
    if node.get("number"):
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def keep_light(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Leave out the scripts and styles of features that this book does not use."""
    for kind in ("script_files", "css_files"):
        context[kind] = [item for item in context.get(kind, []) if not _unused(item)]


def _unused(item: Any) -> bool:
    written = f"{getattr(item, 'filename', item)} {getattr(item, 'attributes', {}).get('body', '')}"
    return "thebe" in written.lower()


def finish_files(app: Sphinx, error: Exception | None) -> None:
    """Take out the script of the icons, and colour code in both themes.

    The theme's style sheet draws the same icons from a font a tenth the size of the script.
    """
    if error is not None or app.builder.name != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        lighter = ICON_SCRIPT.sub("", THEBE_SETTINGS.sub("", text))
        if lighter != text:
            page.write_text(lighter, encoding="utf-8")
    static = Path(app.outdir) / "_static"
    # This version of Sphinx writes its own one-theme style sheet over the theme's: write both themes' colours.
    styles = {"light": "a11y-high-contrast-light", "dark": "a11y-high-contrast-dark"}
    colours = [HtmlFormatter(style=styles[t]).get_style_defs(f'html[data-theme="{t}"] .highlight') for t in styles]
    (static / "pygments.css").write_text("\n".join(colours) + "\n", encoding="utf-8")
    for spare in {*static.rglob("*.map"), *static.rglob("fontawesome.js*"), *static.glob("sphinx-thebe.*")}:
        spare.unlink()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer and the two cuts."""
    app.connect("html-page-context", keep_light, priority=900)
    app.connect("build-finished", finish_files)
    app.add_html_math_renderer("avrec_mathml", (visit_inline, None), (visit_display, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
