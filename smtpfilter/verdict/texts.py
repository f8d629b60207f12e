"""The texts of notices: a small, harmless part of Jinja (N-7).

A template may print facts, choose (`if`), repeat (`for`) and use the filters of FILTERS; nothing
else is in its notation, so that no template can call, build or grow anything.  Facts are inserted
as text: what looks like a template in them stays what it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2 import Template as Compiled
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from smtpfilter.mail.findings import visible

LONGEST_SUBJECT = 300  # characters of a template's subject, and of a rendered one
LONGEST_BODY = 20_000  # characters of a template's body
DEEPEST_LOOPS = 2  # a list of lists; more would be work without end
LONGEST_TEXT = 200_000  # characters of a rendered body

_ONLY_TAGS = re.compile(r"\s*({%((?!%}).)*%}\s*)+")

FILTERS = (
    "default", "first", "join", "last", "length", "lower", "sort", "title", "trim", "truncate",
    "unique", "upper",
)  # fmt: skip

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr,
    nodes.Getitem, nodes.If, nodes.For, nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Keyword,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Template:
    """The text of one kind of notice, in the notation of Jinja: its subject and its body."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Text:
    """What people read of a notice: a subject of one line, and lines that end in LF."""

    subject: str
    body: str


class BadTemplate(ValueError):
    """The template is none; str() is a sentence that says what is wrong."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """No attribute of a value can be read but its items, and those of loop that are numbers."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return type(obj).__name__ == "LoopContext" and attr in ("index", "first", "last", "length")


def _sandbox() -> _Sandbox:
    sandbox = _Sandbox(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )  # text, not HTML
    sandbox.globals.clear()
    sandbox.filters = {name: sandbox.filters[name] for name in FILTERS}
    return sandbox


_SANDBOX = _sandbox()


def render(template: Template, facts: Mapping[str, Any]) -> Text:
    """Return subject and body with `facts` filled in, visible text; the subject is one line.

    What is too long is cut off: a mail with long facts must not go without its notice.  Raises
    BadTemplate.
    """
    subject = visible(_rendered(template.subject, facts, 10 * LONGEST_SUBJECT))
    body = visible(_rendered(template.body, facts, LONGEST_TEXT), LONGEST_TEXT)
    return Text(" ".join(subject.split())[:LONGEST_SUBJECT], body.strip("\n") + "\n")


def check(template: Template, sample: Mapping[str, Any]) -> None:
    """Try the template on `sample`, whose names are all that there are.  Raises BadTemplate."""
    if not template.subject.strip() or "\n" in template.subject:
        raise BadTemplate("the subject is one line of text")
    if len(template.subject) > LONGEST_SUBJECT or len(template.body) > LONGEST_BODY:
        raise BadTemplate(
            f"the subject has at most {LONGEST_SUBJECT} characters, the body {LONGEST_BODY}"
        )
    for text in (template.subject, template.body):
        _compiled(text)
        unknown = sorted(find_undeclared_variables(_parsed(text)) - sample.keys())
        if unknown:
            raise BadTemplate(f"there is no {unknown[0]!r}; there are: {', '.join(sorted(sample))}")
    if not render(template, sample).subject:
        raise BadTemplate("the subject must not be empty")
    if len(_rendered(template.body, sample, LONGEST_TEXT)) > LONGEST_TEXT:
        raise BadTemplate(f"the text gets longer than {LONGEST_TEXT} characters")


def _rendered(source: str, facts: Mapping[str, Any], longest: int) -> str:
    """Return the text, no more of it than shows whether it has more than `longest` characters."""
    pieces, left = list[str](), longest
    try:
        for piece in _compiled(source).generate(dict(facts)):
            pieces.append(piece)
            left -= len(piece)
            if left < 0:
                break
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise _bad(error) from error
    return "".join(pieces)


@lru_cache(maxsize=256)
def _compiled(source: str) -> Compiled:
    """Return the template ready to be filled in.  Raises BadTemplate."""
    try:
        return _SANDBOX.from_string(_parsed(source))
    except (TemplateError, SyntaxError, RecursionError) as error:  # nested too deep for Python
        raise _bad(error) from error


def _parsed(source: str) -> nodes.Template:
    """Return the template's tree, of allowed nodes only.  Raises BadTemplate.

    A line of block tags alone leaves no line behind; a block tag at the end of another line does
    not swallow its end.
    """
    source = "\n".join(
        line if _ONLY_TAGS.fullmatch(line) else re.sub(r"[-+]?%}$", "+%}", line)
        for line in source.splitlines()
    )
    try:
        tree = _SANDBOX.parse(source)
    except (TemplateError, RecursionError) as error:
        raise _bad(error) from error
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            raise BadTemplate(
                f"line {node.lineno}: {type(node).__name__.lower()} is not in the notation of"
                " notices; there are {{ }}, if and for"
            )
        if isinstance(node, nodes.Name) and node.name == "self":  # Jinja's own, not of its globals
            raise BadTemplate("there is no 'self'")
    if _depth(tree) > DEEPEST_LOOPS:
        raise BadTemplate(f"loops stand in each other {DEEPEST_LOOPS} deep at most")
    return tree


def _depth(node: nodes.Node) -> int:
    """Return how deep loops stand in each other."""
    below = max(map(_depth, node.iter_child_nodes()), default=0)
    return below + isinstance(node, nodes.For)


def _bad(error: Exception) -> BadTemplate:
    if isinstance(error, BadTemplate):
        return error
    line = getattr(error, "lineno", None)
    where = f"line {line}: " if line else ""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return BadTemplate(f"{where}{visible(text, 300)}")
