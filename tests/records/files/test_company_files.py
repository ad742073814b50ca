"""Files as companies have them: every separator, encoding and heading reads as the same entries."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from workbooks import workbook

from helpdesk.errors import BadInputError
from helpdesk.records.faq import Entry
from helpdesk.records.files.faq_files import NamedFile, ReadAs, read_faq, read_faq_files
from helpdesk.records.files.faq_rows import FaqFile

ROWS = [
    ("Wie setze ich mein Paßwort zurück?", "Öffnen Sie das Portal,\ndann „Zurücksetzen“ wählen; fertig."),
    ("Warum geht das VPN nicht, obwohl ich zuhause bin?", "Starten Sie den Client neu."),
]
ENTRIES = [
    Entry("wie_setze_ich_mein_passwort_zuruck", question=ROWS[0][0], answer=ROWS[0][1]),
    Entry("warum_geht_das_vpn_nicht_obwohl_ich_zuhause_bin", question=ROWS[1][0], answer=ROWS[1][1]),
]


def quoted(rows: list[tuple[str, ...]], separator: str) -> str:
    """CSV as Excel writes it."""
    return "".join(separator.join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows)


def read(data: bytes, name: str = "faq.csv", **how: str) -> FaqFile:
    """One uploaded file."""
    return read_faq_files([NamedFile(name, data)], read_as=ReadAs(**how))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_encoding_and_separator_is_recognised(encoding: str, separator: str) -> None:
    """Without being told: umlauts, typographic quotes, a line break and other separators inside cells."""
    found = read(quoted([("Frage", "Antwort"), *ROWS], separator).encode(encoding))

    assert found.entries == ENTRIES
    assert (found.separator, found.named, found.bad_rows) == (separator, False, [])
    assert found.encoding == {"utf-8-sig": "utf-8", "cp1252": "cp1252"}.get(encoding, encoding[:6].rstrip("-"))


@pytest.mark.parametrize(
    ("names", "field"),
    [
        ("QUESTION,Answer", ("question", "answer")),
        ("answer,question", ("answer", "question")),
        (" Title , Response ", ("question", "answer")),
        ("utterance,reply", ("question", "answer")),
        ("Text,Answer", ("question", "answer")),
        ("title,text", ("question", "answer")),
        ("Betreff:,Lösung", ("question", "answer")),
        ("Short description,Resolution", ("question", "answer")),
        ("Topic,Utterance", ("slug", "phrasings")),
        ("Variant 1,Intent", ("phrasings", "slug")),
        ("Category,Training phrase", ("slug", "phrasings")),
        ("message,label", ("phrasings", "slug")),
    ],
)
def test_the_usual_headings_are_understood(names: str, field: tuple[str, str]) -> None:
    """In any case and order."""
    (entry,) = read(f"{names}\nabc,xyz\n".encode()).entries
    expected = {"slug": ("abc", "xyz"), "phrasings": (("abc",), ("xyz",))}

    for place, name in enumerate(field):
        assert getattr(entry, name) == expected.get(name, ("abc", "xyz"))[place]


def test_empty_rows_and_columns_and_a_separator_line_are_no_fault() -> None:
    """As Excel leaves them behind; line numbers are those of the file."""
    found = read(b'sep=;\nquestion;answer;;\n\n;;;\nHow?;"So,\nthere";;\n;;;\n?!;So.;;\nWhy?;So.;too;many\n\n;;;\n')

    assert [(entry.question, entry.answer) for entry in found.entries] == [("How?", "So,\nthere")]
    assert [line for line, _ in found.bad_rows] == [8, 9]
    assert found.separator == ";"


def test_lines_of_old_macs_are_lines() -> None:
    """Excel for Mac still writes them."""
    found = read(b"question;answer\rHow?;So.\rWhy?;Thus.\r")

    assert [(entry.question, entry.answer) for entry in found.entries] == [("How?", "So."), ("Why?", "Thus.")]
    assert found.lines == {"how": 2, "why": 3}


def test_rows_that_say_nothing_new_are_named() -> None:
    """The same row again; not one that adds a phrasing, an answer or a tag."""
    rows = "vpn,No VPN?,So.,a,\nvpn,,,b,\nvpn,No VPN?,So.,A!,\nvpn,No VPN?,,,x\nvpn,,So.,b,x\n"
    found = read(f"intent,question,answer,phrasing,tags\n{rows}".encode())

    assert found.repeated == ((4, "A!"), (6, "b"))
    assert read(b"question,answer\nHow?,So.\nHow?,So.\n").repeated == ((3, "How?"),)


def test_variants_in_more_columns_or_on_more_lines_of_a_cell() -> None:
    """All of them are phrasings; columns that say nothing of a FAQ are named."""
    data = b'Question,Answer,Variant 1,variant 2,Variants,owner,\nHow?,So.,how so,,"a way\nanother way",bob,\n'
    found = read(data)

    assert found.entries == [Entry("how", question="How?", answer="So.", phrasings=("how so", "a way", "another way"))]
    assert found.ignored == ("column owner (1 cell)",)


def test_a_category_of_many_questions_is_a_tag_and_one_of_its_own_a_name() -> None:
    """Both are called so. One row a category says neither; it is a tag, which changes no entry of that name."""
    shared = read(b"category,question,answer\nIT,No VPN?,So.\nIT,No Wi-Fi?,Thus.\n")
    own = read(b"category,question,answer,example\nvpn,No VPN?,So.,vpn off\nvpn,No VPN?,So.,vpn gone\n")
    single = read(b"category,question,answer\nfood,A vegan menu?,Yes.\n")

    assert [(entry.slug, entry.tags) for entry in shared.entries] == [("no_vpn", ("IT",)), ("no_wi_fi", ("IT",))]
    assert shared.notes == ("category becomes a tag of its entries",)
    assert [(entry.slug, entry.tags) for entry in own.entries] == [("vpn", None)]
    assert [(entry.slug, entry.tags) for entry in single.entries] == [("a_vegan_menu", ("food",))]


def test_a_wrong_guess_can_be_put_right() -> None:
    """By naming encoding and separator; names are taken as people write them."""
    data = "question,answer\nкак?,так\n".encode("cp1251")

    assert read(data).entries[0].answer != "так"
    assert read(data, encoding="windows-1251", separator="comma").entries[0].answer == "так"
    with pytest.raises(BadInputError, match="expected one of utf-8, utf-16"):
        read(data, encoding="klingon")
    with pytest.raises(BadInputError, match="expected one of comma, semicolon"):
        read(data, separator="x")


def test_a_workbook_is_read_like_a_table() -> None:
    """The first sheet with rows, numbers and dates as text, what is empty is passed over."""
    rows: list[list[object]] = [
        ["Frage", "Antwort", None],
        ["Wann?", 42.0],
        [None, None],
        ["Wer?", True],
        ["=1+1", None],
    ]
    found = read(workbook([[]], rows), name="Fragen.XLSX")

    assert [(entry.question, entry.answer) for entry in found.entries] == [("Wann?", "42"), ("Wer?", "True")]
    assert found.sheet == "Sheet1"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel or Word file; save it as CSV UTF-8 or .xlsx"),
        ("faq.png", b"\x89PNG\r\n\x1a\n", "a picture, not the text of a FAQ; save it as CSV UTF-8 or .xlsx"),
        ("faq.pdf", b"%PDF-1.7", "a PDF; save it as CSV UTF-8 or .xlsx"),
        ("faq.xlsx", b"PK\x03\x04garbage", "a zip archive or a document, not an Excel workbook; save it"),
        ("faq.csv", bytes(range(1, 10)) * 9 + b"\x00", "a program's file, no text; save it"),
        ("faq.csv", b"question,answer\nhm,\x81\n", "not Windows-1252 .* at byte 19; name another encoding"),
        ("faq.csv", b"  \n", "the file is empty"),
        ("faq.yml", b"just: text", "no intents found; expected Rasa's nlu.yml"),
        ("faq.yml", b"nlu: [", "faq.yml: not YAML"),
        ("faq.yml", b"a: &a [x, x]\nb: [*a, *a]\n", r"an alias \(\*a\) found"),
        ("faq.yml", b"a: " + b"[" * 60 + b"]" * 60, "nested more than 40 deep"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(name: str, data: bytes, message: str) -> None:
    """And names the file."""
    with pytest.raises(BadInputError, match=message):
        read(data, name=name)


def test_a_workbook_that_unpacks_to_too_much_is_refused() -> None:
    """Before anything of it is unpacked."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 110_000_000)

    with pytest.raises(BadInputError, match="unpacks to 110,000,000 bytes"):
        read(out.getvalue(), name="bomb.xlsx")


@pytest.mark.parametrize(
    "content",
    [
        [{"question": "How?", "answer": "So.", "variants": ["how so"]}],
        {"faqs": [{"Title": "How?", "Response": ["So."], "utterances": ["how so"]}]},
    ],
)
def test_json_of_the_usual_shapes(content: object) -> None:
    """A list of entries or an object around it, keys in any case."""
    found = read(json.dumps(content).encode(), name="faq.json")

    assert found.entries == [Entry("how", question="How?", answer="So.", phrasings=("how so",))]


def test_json_of_other_assistants() -> None:
    """Patterns under tags, and answers by question."""
    chatbot = {"intents": [{"tag": "hello", "patterns": ["hi", "hey"], "responses": ["Hello!", "Hi!"], "context": ""}]}
    found = read(json.dumps(chatbot).encode(), name="intents.json")

    assert found.entries == [Entry("hello", answer="Hello!", phrasings=("hi", "hey"), name="hello")]
    assert found.ignored == ("key context",)
    assert read(b'{"How so?": "So."}', name="faqs").entries == [Entry("how_so", question="How so?", answer="So.")]


NLU = """version: "3.1"
nlu:
- intent: ask_hours
  examples: |
    - when are you open
    - open on [Monday](day)?
    - opening hours in [Berlin]{"entity": "city", "value": "BER"}
- intent: faq/no
  examples:
  - text: |
      no way
    metadata:
      sentiment: bad
- intent: goodbye
  examples: |
    - bye
- lookup: city
  examples: |
    - Berlin
- synonym: BER
  examples: |
    - Berlin
"""
DOMAIN = """intents:
- ask_hours
- faq/no
- goodbye:
    use_entities: []
responses:
  utter_hours:
  - text: "We are open from 9 to 5.\\nSee you!"
  - text: Nine to five.
  utter_faq/no:
  - channel: slack
    text: Nope.
  - text: No.
  utter_default:
  - text: Pardon?
slots: {}
"""
RULES = """rules:
- rule: hours
  steps:
  - intent: ask_hours
  - action: utter_hours
"""


def test_rasa_files_become_entries(tmp_path: Path) -> None:
    """A folder of them or the files: examples without their entities, answers by rule or by name."""
    (tmp_path / "data").mkdir()
    for name, text in [
        ("data/nlu.yml", NLU),
        ("domain.yml", DOMAIN),
        ("data/rules.yml", RULES),
        ("config.yml", "a: b"),
    ]:
        (tmp_path / name).write_text(text)
    found = read_faq(tmp_path)
    hours = ("when are you open", "open on Monday?", "opening hours in Berlin")

    assert found.entries == [
        Entry("ask_hours", answer="We are open from 9 to 5.\nSee you!", phrasings=hours, name="ask_hours"),
        Entry("faq_no", answer="No.", phrasings=("no way",), name="faq/no"),
        Entry("goodbye", phrasings=("bye",), name="goodbye"),
    ]
    for part in ("lookup section", "synonym section", "section slots", "response utter_default, which no intent has"):
        assert part in found.ignored
    assert "file config.yml" in found.ignored
    assert len(read_faq(tmp_path / "data" / "nlu.yml", tmp_path / "domain.yml").entries) == 3
    assert [entry.answer for entry in read_faq(tmp_path / "domain.yml").entries] == ["No."]
