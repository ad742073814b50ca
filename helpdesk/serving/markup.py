"""Links, lists and emphasis in answers: a small part of Markdown, as text for plain channels and as safe HTML.

`**strong**`, `*emphasis*`, `[text](https://...)`, bare web addresses, `- item` and `1. item`. Everything else stands as
it was typed: an answer without any of these reads as it always did.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Final
from urllib.parse import urlsplit

import nh3
from linkify_it import LinkifyIt
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

SCHEMES: Final = ("http", "https", "mailto", "tel")
_BLOCKS: Final = ("list", "paragraph")
_INLINES: Final = ("text", "linkify", "newline", "emphasis", "link")
_WEB_SCHEME: Final = re.compile(r"(?<![a-z0-9+])https?$", re.IGNORECASE)
_SCHEME_SEEN: Final = len("https") + 1
_LONGEST_ADDRESS: Final = 2048
_BARE: Final = {"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False}
_WEB, _MAIL = LinkifyIt(options=_BARE), LinkifyIt(options=_BARE)
for _scheme in ("http:", "https:", "ftp:", "//"):
    _MAIL.add(_scheme, None)
_CLEANER: Final = nh3.Cleaner(
    tags={"p", "br", "ul", "ol", "li", "strong", "em", "a"},
    attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
    url_schemes=set(SCHEMES),
    link_rel="noopener nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
)


@lru_cache(maxsize=1024)
def html(answer: str) -> str:
    """The answer as sanitised HTML: no tag, attribute or address that could run anything."""
    return _CLEANER.clean(str(_MARKDOWN.render(answer))).strip()


@lru_cache(maxsize=1024)
def plain(answer: str) -> str:
    """The answer as text: links with their addresses, emphasis without its stars, all else as it was typed."""
    inlines = [token for token in _MARKDOWN.parse(answer) if token.type == "inline"]
    lines = answer.split("\n")
    for token in inlines:
        children = token.children or []
        if token.map is not None and any(child.type in ("strong_open", "em_open", "link_open") for child in children):
            _replace(lines, token.map, token.content, _words(children))
    return "\n".join(lines)


def html_of_text(text: str) -> str:
    """A text that is no Markdown, as HTML of the same lines."""
    return f"<p>{escape(text)}</p>".replace("\n", "<br>\n")


def _replace(lines: list[str], place: Sequence[int], content: str, words: str) -> None:
    """Write the words of a paragraph in the place of its lines, which keep what stands before them."""
    typed, said = content.split("\n"), words.split("\n")
    if len(typed) != len(said):
        return
    for number, (old, new) in enumerate(zip(typed, said, strict=True), place[0]):
        if number < len(lines) and lines[number].rstrip().endswith(old.rstrip()):
            lines[number] = lines[number].rstrip().removesuffix(old.rstrip()) + new


def _words(tokens: Sequence[Token]) -> str:
    said, address, begun = "", "", 0
    for token in tokens:
        if token.type == "text":
            said += token.content
        elif token.type in ("softbreak", "hardbreak"):
            said += "\n"
        elif token.type == "link_open":
            address, begun = str(token.attrs["href"]), len(said)
        elif token.type == "link_close":
            shown = said[begun:]
            said += "" if token.markup == "linkify" or _same(shown, address) else f" ({address})"
    return said


def _same(shown: str, address: str) -> bool:
    """Whether a link shows its address, or the part of it that people read."""
    return shown in (address, address.removeprefix("mailto:"), address.removeprefix("tel:"))


def _may_link(address: str) -> bool:
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(parts.netloc if parts.scheme in ("http", "https") else parts.path)


def _stars_that_stress_nothing(state: StateInline, silent: bool) -> bool:
    """Stars inside of words and sums (`5*3*2`, `(*)`), and every underscore (`my_file_name`), are characters."""
    marker = state.src[state.pos]
    if marker not in "*_":
        return False
    end = state.pos
    while end < state.posMax and state.src[end] == marker:
        end += 1
    before = state.src[state.pos - 1] if state.pos else " "
    after = state.src[end] if end < state.posMax else " "
    inside = before.isalnum() == after.isalnum() and not before.isspace() and not after.isspace()
    if marker == "*" and not inside:
        return False
    if not silent:
        state.pending += state.src[state.pos : end]
    state.pos = end
    return True


def _web_address(state: StateInline, silent: bool) -> bool:
    """A bare address, from its `://` on. The rule of markdown-it itself looks for the scheme through all that stands
    before, and for the end through all that follows, so many addresses that are none took it seconds."""
    if state.linkLevel or not state.src.startswith("://", state.pos):
        return False
    scheme = _WEB_SCHEME.search(state.src[max(0, state.pos - _SCHEME_SEEN) : state.pos])
    if scheme is None or not state.pending.endswith(scheme.group()):
        return False
    begin = state.pos - len(scheme.group())
    found = _WEB.match_at_start(state.src[begin : begin + _LONGEST_ADDRESS])
    url = found.url.rstrip("*") if found else ""
    address = state.md.normalizeLink(url) if len(url) < _LONGEST_ADDRESS else ""
    if len(url) < _LONGEST_ADDRESS and not _may_link(address):
        return False
    if not address and not silent:
        state.pending += state.src[state.pos : begin + len(url)]
    elif not silent:
        state.pending = state.pending.removesuffix(scheme.group())
        for kind, tag, nesting in (("link_open", "a", 1), ("text", "", 0), ("link_close", "a", -1)):
            token = state.push(kind, tag, nesting)  # type: ignore[arg-type]
            token.markup, token.info = ("linkify", "auto") if tag else ("", "")
            token.attrs = {"href": address} if nesting == 1 else {}
            token.content = "" if tag else url
    state.pos = begin + len(url)
    return True


def _make() -> MarkdownIt:
    made = MarkdownIt("zero", {"html": False, "linkify": True, "breaks": True})
    made.enable([*_BLOCKS, *_INLINES, "balance_pairs"])
    made.enable("linkify")
    made.inline.ruler.before("emphasis", "plain_stars", _stars_that_stress_nothing)
    made.validateLink = _may_link  # type: ignore[method-assign,assignment]
    made.normalizeLinkText = str  # type: ignore[method-assign,assignment]
    made.linkify = _MAIL
    made.inline.ruler.at("linkify", _web_address)
    return made


_MARKDOWN: Final = _make()
