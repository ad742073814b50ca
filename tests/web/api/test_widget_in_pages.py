"""The widget in Chromium, on pages of another origin, with a server that answers as it is told."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sites import FakeApi, Site, served, wait

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PHONE: Any = {"viewport": {"width": 375, "height": 740}, "is_mobile": True, "has_touch": True}
HOSTILE = """<style>* { all: unset !important; font-size: 3px !important }
button { background: lime !important; position: static !important }</style>"""
CHOICES = {
    "decision": "clarify",
    "messages": [{"text": "Which one?\n1. The red one\n2. None of these"}],
    "options": [{"intent": "red", "question": "The red one"}, {"intent": None, "question": "None of these"}],
}
HTML = """<p>See <a href="https://a.example/x">the <b>page</b></a>:</p><ol start="3"><li>one</li><li>two</li></ol>
<a href="javascript:alert(1)">no link</a><img src=x onerror="window.hit = 1"><script>window.hit = 1</script>
<p style="position:fixed" onclick="window.hit = 1">last</p><iframe src="/x"></iframe>"""
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3


@pytest.fixture
def api() -> FakeApi:
    """Answers as it is told."""
    return FakeApi()


@pytest.fixture
def address(api: FakeApi, site: tuple[Site, str]) -> Iterator[str]:
    """Where it answers; pages of the site may call it."""
    api.allow(site[1])
    with served(api.app) as url:
        site[0].add("shop", url)
        yield url


@pytest.fixture
def site() -> Iterator[tuple[Site, str]]:
    """A site of another origin, and its address."""
    made = Site()
    with served(made.app) as url:
        yield made, url


@pytest.fixture
def context(browser: Browser, site: tuple[Site, str], address: str) -> Iterator[BrowserContext]:
    """A browser that was never there; paths are those of the site."""
    made = browser.new_context(base_url=site[1], locale="en-GB", reduced_motion="reduce")
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Its first tab, on the site, with the chat opened."""
    made = context.new_page()
    made.goto("/shop")
    made.locator(".launcher").click()
    return made


def ask(page: Page, text: str) -> None:
    """Type a message and wait until nothing is on its way."""
    page.locator("#message").fill(text)
    page.locator("#message").press("Enter")
    settled(page)


def settled(page: Page) -> None:
    expect(page.locator(".typing")).to_be_hidden()


def bubbles(page: Page) -> list[str]:
    """What is seen of the conversation, without the greeting and without who speaks."""
    return [text.split("\n", 1)[-1] for text in page.locator(".turn .bubble").all_inner_texts()]


def test_double_clicks_send_one_message(page: Page, api: FakeApi) -> None:
    """On the button and on a choice."""
    api.replies["colour"] = CHOICES
    page.locator("#message").fill("colour")
    page.locator(".send").dblclick()
    page.get_by_role("button", name="The red one").dblclick()
    settled(page)

    assert [body["text"] for body in api.got] == ["colour", "The red one"]


def test_enter_sends_and_shift_enter_is_a_new_line(page: Page, api: FakeApi) -> None:
    page.locator("#message").type("first")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second")
    page.keyboard.press("Enter")
    settled(page)

    assert api.texts() == ["first\nsecond"]


def test_an_answers_html_is_built_from_what_is_allowed(page: Page, api: FakeApi) -> None:
    """Though the server has sanitised it: links that lead somewhere, lists, emphasis; nothing that runs."""
    api.replies["help"] = {"messages": [{"text": "plain", "html": HTML}]}
    ask(page, "help")
    answer = page.locator(".turn .bot")

    assert answer.locator("a").get_attribute("href") == "https://a.example/x"
    assert answer.locator("a").get_attribute("rel") == "noopener noreferrer"
    assert answer.locator("li").all_inner_texts() == ["one", "two"]
    assert answer.locator("ol").get_attribute("start") == "3"
    assert "no link" in answer.inner_text()
    blank = "node => [...node.childNodes].filter((one) => one.nodeType === 3 && !one.data.trim()).length"
    assert answer.evaluate(blank) == 0, "a blank line between paragraphs"
    assert answer.locator("img, script, iframe, [style], [onclick]").count() == 0
    assert page.evaluate("window.hit") is None


def test_what_a_person_types_is_text(page: Page, api: FakeApi) -> None:
    ask(page, "<img src=x onerror='window.hit = 1'>")

    assert "<img src=x" in bubbles(page)[0]
    assert page.evaluate("window.hit") is None


def test_choices_and_follow_ups_are_buttons(page: Page, api: FakeApi) -> None:
    """They stay when one was chosen, disabled, that one marked, after a reload too; unless the choice was refused. The
    numbered lines are for channels without buttons."""
    api.replies |= {"colour": CHOICES, "The red one": {"follow_ups": ["How red?"]}}
    ask(page, "colour")
    assert (
        bubbles(page)[1].strip() == "Assistant:\nWhich one?".replace("\n", " ") or "1. The red" not in bubbles(page)[1]
    )
    choices = page.get_by_role("group", name="Choose one").get_by_role("button")
    api.refusals = [400]
    choices.filter(has_text="The red one").click()
    expect(page.locator(".turn.refused")).to_be_visible()
    expect(choices.first).to_be_enabled()
    choices.filter(has_text="The red one").click()
    settled(page)
    expect(page.locator("#message")).to_be_focused()
    page.reload()
    for choice in choices.all():
        expect(choice).to_be_disabled()
    expect(page.get_by_role("button", name="The red one", pressed=True)).to_have_count(1)
    expect(page.locator(".choices [aria-pressed]")).to_have_count(1)
    page.get_by_role("group", name="You may also want to know").get_by_role("button", name="How red?").click()
    settled(page)

    assert api.texts() == ["colour", "The red one", "How red?"]


def test_thumbs_are_sent_and_can_be_changed(page: Page, api: FakeApi) -> None:
    ask(page, "help")
    session = api.got[0]["session_id"]
    for name in ("Helpful", "Not helpful"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator("[aria-pressed=true]")).to_have_accessible_name(name)
        expect(page.locator("[aria-pressed=true]")).to_be_focused()
    settled(page)

    assert api.feedback == [{"message_id": 1, "session_id": session, "helpful": helpful} for helpful in (True, False)]


def test_thumbs_go_away_where_nobody_takes_them(page: Page, api: FakeApi) -> None:
    api.has_feedback = False
    ask(page, "help")
    page.get_by_role("button", name="Helpful", exact=True).click()

    expect(page.locator(".thumbs")).to_have_count(0)


def test_a_reload_and_another_tab_keep_the_conversation(page: Page, context: BrowserContext, api: FakeApi) -> None:
    """One session, unguessable; what is said in one tab is seen in the other, once."""
    ask(page, "one")
    page.reload()
    assert bubbles(page) == ["one", "You said one"]
    other = context.new_page()
    other.goto("/shop")
    other.locator(".launcher").click()
    ask(other, "two")
    ask(page, "three")

    expect(other.locator(".turn")).to_have_count(6)
    assert bubbles(page) == bubbles(other)
    assert len({body["session_id"] for body in api.got}) == 1
    assert re.fullmatch("[0-9a-f]{32}", api.got[0]["session_id"])


def test_a_cleared_conversation_is_gone_everywhere(page: Page, context: BrowserContext, api: FakeApi) -> None:
    """It asks first; then nothing is left in the browser, and the next message is somebody new."""
    ask(page, "my secret")
    other = context.new_page()
    other.goto("/shop")
    page.get_by_role("button", name="Clear conversation").click()
    page.get_by_role("button", name="Keep").click()
    assert len(bubbles(page)) == 2
    page.get_by_role("button", name="Clear conversation").click()
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_count(0)
    expect(other.locator(".turn")).to_have_count(0)

    assert "secret" not in page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    ask(page, "again")
    assert api.got[0]["session_id"] != api.got[1]["session_id"]


def test_on_a_shared_computer_a_closed_tab_forgets(
    context: BrowserContext, site: tuple[Site, str], address: str
) -> None:
    site[0].add("kiosk", address, data='data-remember="tab"')
    first = context.new_page()
    first.goto("/kiosk")
    first.locator(".launcher").click()
    ask(first, "my secret")
    first.reload()
    assert len(bubbles(first)) == 2
    first.close()
    second = context.new_page()
    second.goto("/kiosk")

    expect(second.locator(".launcher")).to_be_visible()
    assert bubbles(second) == []


def test_without_storage_it_still_talks(context: BrowserContext, api: FakeApi) -> None:
    """Browsers that forbid it throw at the first look."""
    context.add_init_script("""for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, { get() { throw new DOMException("no", "SecurityError") } })""")
    page = context.new_page()
    page.goto("/shop")
    page.locator(".launcher").click()
    ask(page, "one")
    ask(page, "two")

    assert len(bubbles(page)) == 4
    assert len({body["session_id"] for body in api.got}) == 1


def test_offline_a_message_waits(page: Page, context: BrowserContext, api: FakeApi) -> None:
    """It says so, and sends it once when the connection is back."""
    context.set_offline(True)
    ask(page, "while away")
    expect(page.locator(".notice")).to_contain_text("You are offline.")
    expect(page.locator(".fate")).to_contain_text("Not sent.")
    assert api.got == []
    context.set_offline(False)

    expect(page.locator(".turn .bot")).to_have_count(1)
    expect(page.locator(".fate")).to_have_count(0)
    expect(page.locator(".notice")).to_be_empty()
    assert len(api.got) == 1


def test_a_server_that_refuses_for_long_is_asked_again_by_hand(context: BrowserContext, api: FakeApi) -> None:
    """After six tries; the text stays, and comes under the same id, also after a reload."""
    page = context.new_page()
    page.clock.install()
    page.goto("/shop")
    page.locator(".launcher").click()
    api.refusals = [503, 503, 429, 500, 503, 503]
    page.locator("#message").fill("patience")
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_have_text("No connection. Trying again …")
    wait(page, 80)
    expect(page.locator(".fate")).to_contain_text("Not sent.")
    assert not api.refusals
    assert not api.got
    page.get_by_role("button", name="Try again").click()
    settled(page)

    assert api.texts() == ["patience"]
    expect(page.locator(".fate")).to_have_count(0)


@pytest.mark.parametrize(("status", "told"), [(413, "not accepted"), (400, "not accepted"), (403, "not available")])
def test_what_will_never_be_taken_is_not_sent_again(page: Page, api: FakeApi, status: int, told: str) -> None:
    """The console says why; the next message goes through."""
    lines: list[str] = []
    page.on("console", lambda line: lines.append(line.text))
    api.refusals = [status]
    ask(page, "never")
    expect(page.locator(".fate")).to_contain_text(told)
    ask(page, "but this")

    assert api.texts() == ["but this"]
    assert any(f"refused a message with {status}: as told" in line for line in lines)


def test_a_message_that_is_too_long_is_not_cut(page: Page, api: FakeApi) -> None:
    """What is left is counted near the end; beyond it nothing is sent."""
    page.locator("#message").fill("x" * 1990)
    expect(page.locator("#count")).to_have_text("10 characters left")
    page.locator("#message").fill("😀" * 2003)
    expect(page.locator("#count")).to_have_text("3 characters too many")
    expect(page.locator(".send")).to_be_disabled()
    page.keyboard.press("Enter")

    assert len(page.locator("#message").input_value()) == 2003
    assert api.got == []


def test_a_colleagues_reply_comes_by_itself(context: BrowserContext, api: FakeApi) -> None:
    """Looked for while a case is open; counted on the button while the chat is closed; then the bot is alone again."""
    page = context.new_page()
    page.clock.install()
    page.goto("/shop")
    page.locator(".launcher").click()
    api.state = "waiting"
    api.replies["a person please"] = {"decision": "handoff"}
    ask(page, "a person please")
    expect(page.locator(".notice")).to_have_text("Your request is with our team.")
    page.keyboard.press("Escape")
    api.state = "person"
    api.updates = [{"id": 7, "text": "I am **Mia**", "html": "<p>I am <strong>Mia</strong></p>"}]
    wait(page, 28)

    expect(page.get_by_role("button", name="Open the chat (1 new)")).to_be_visible()
    page.locator(".launcher").click()
    expect(page.locator(".badge")).to_be_hidden()
    expect(page.locator(".notice")).to_have_text("You are talking to a colleague.")
    expect(page.locator(".turn").last.locator(".author")).to_have_text("Colleague")
    assert page.locator(".turn strong").inner_text() == "Mia"
    api.state = "bot"
    wait(page, 28)
    expect(page.locator(".notice")).to_be_empty()
    assert page.locator(".turn strong").count() == 1


def test_the_bot_says_once_that_a_colleague_is_there(page: Page, api: FakeApi) -> None:
    """Not between every two lines that somebody writes to a colleague."""
    notice = {"decision": "person", "messages": [{"text": "A colleague can read this."}]}
    api.replies = {"first": notice, "second": notice, "third": notice}
    for text in ("first", "second"):
        ask(page, text)
    api.state, api.updates = "person", [{"id": 7, "text": "Hello", "html": "<p>Hello</p>"}]
    ask(page, "third")
    expect(page.locator(".author")).to_be_visible()

    expect(page.get_by_text("A colleague can read this.")).to_have_count(1)
    expect(page.locator(".bubble.me")).to_have_text([re.compile(text) for text in ("first", "second", "third")])
    expect(page.locator(".fate")).to_have_count(0)


def test_rules_of_the_page_do_not_reach_it(context: BrowserContext, site: tuple[Site, str], address: str) -> None:
    """Whatever a page says of all elements."""
    site[0].add("hostile", address, head=HOSTILE)
    page = context.new_page()
    page.goto("/hostile")
    launcher = page.locator(".launcher")
    expect(launcher).to_be_visible()
    place = launcher.bounding_box()
    assert place is not None
    assert (place["width"], place["height"], place["x"]) == (60, 60, 1200)
    launcher.click()
    ask(page, "hello")

    panel = page.locator(".panel").bounding_box()
    assert panel is not None
    assert (panel["width"], panel["height"]) == (390, 640)
    assert page.locator(".turn .bot").evaluate("(node) => getComputedStyle(node).fontSize") == "16px"


@pytest.mark.parametrize(
    "more",
    [
        "",
        "; require-trusted-types-for 'script'; trusted-types helpdesk",
        "; require-trusted-types-for 'script'; trusted-types 'none'",
    ],
)
def test_a_strict_policy_of_the_page_holds(
    context: BrowserContext, site: tuple[Site, str], address: str, api: FakeApi, more: str
) -> None:
    """It needs the two lines that the guide names, no inline style, no inline script."""
    policy = f"default-src 'none'; img-src data:; script-src {address}; connect-src {address}{more}"
    site[0].add("strict", address, policy=policy)
    api.replies["help"] = {"messages": [{"text": "plain", "html": "<p><b>rich</b></p>"}]}
    page = context.new_page()
    lines: list[str] = []
    page.on("console", lambda line: lines.append(line.text))
    page.goto("/strict")
    page.locator(".launcher").click()
    ask(page, "help")

    assert page.locator(".turn b").count() == (0 if "'none'" in more[5:] else 1)
    assert [line for line in lines if "trusted" not in line.lower()] == []


def test_a_site_that_is_not_listed_stays_whole(context: BrowserContext, api: FakeApi) -> None:
    """No chat, nothing broken, and one line in the console that says what to do."""
    other = Site()
    with served(other.app) as url, served(api.app) as address:
        other.add("shop", address)
        page = context.new_page()
        lines: list[str] = []
        faults: list[str] = []
        page.on("console", lambda line: lines.append(line.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        with page.expect_console_message(lambda line: "HELPDESK_ALLOWED_ORIGINS" in line.text):
            page.goto(f"{url}/shop")
        assert page.locator("helpdesk-widget").count() == 0
        assert any(f"HELPDESK_ALLOWED_ORIGINS={url}" in line for line in lines)
        assert faults == []


@pytest.mark.parametrize(
    ("data", "html", "field"),
    [
        ("", 'lang="de-AT"', "Ihre Nachricht"),
        ('data-locale="fr"', 'lang="de"', "Votre message"),
        ("", 'lang="xx"', "Su mensaje"),
        ('data-texts=\'{"field": "رسالتك"}\'', 'lang="ar" dir="rtl"', "رسالتك"),
    ],
)
def test_it_speaks_the_pages_language(
    browser: Browser, site: tuple[Site, str], address: str, data: str, html: str, field: str
) -> None:
    """What the tag says, else the page, else the browser; words of the site over ours."""
    site[0].add("shop", address, data=data, html=html)
    context = browser.new_context(base_url=site[1], locale="es-MX")
    page = context.new_page()
    page.goto("/shop")
    page.locator(".launcher").click()

    expect(page.locator("#message")).to_have_accessible_name(field)
    context.close()


def test_right_to_left_is_mirrored(context: BrowserContext, site: tuple[Site, str], address: str, api: FakeApi) -> None:
    site[0].add("rtl", address, html='lang="ar" dir="rtl"')
    page = context.new_page()
    page.goto("/rtl")
    page.locator(".launcher").click()
    ask(page, "hello")
    panel, me, bot = (page.locator(name).bounding_box() for name in (".panel", ".turn .me", ".turn .bot"))

    assert panel is not None
    assert me is not None
    assert bot is not None
    assert panel["x"] == 20
    assert me["x"] < bot["x"]


def test_the_site_key_goes_along(context: BrowserContext, site: tuple[Site, str], address: str, api: FakeApi) -> None:
    site[0].add("keyed", address, data='data-site-key="site_abc"')
    page = context.new_page()
    page.goto("/keyed")
    page.locator(".launcher").click()
    ask(page, "hello")

    assert api.keys == ["site_abc"]


def test_on_a_phone_it_fills_the_screen(browser: Browser, site: tuple[Site, str], address: str) -> None:
    """The page behind cannot be reached; nothing zooms; Escape leads back to the button; nothing runs over."""
    context = browser.new_context(base_url=site[1], locale="en-GB", **PHONE)
    page = context.new_page()
    page.goto("/shop")
    page.locator(".launcher").tap()
    ask(page, LONG)
    page.locator(".panel").evaluate("(node) => Promise.all(node.getAnimations().map((moving) => moving.finished))")
    panel = page.locator(".panel").bounding_box()
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName"))

    assert panel == {"x": 0, "y": 0, "width": 375, "height": 740}
    assert "BUTTON" not in reached
    assert page.locator("#message").evaluate("(node) => parseFloat(getComputedStyle(node).fontSize)") >= 16
    assert page.locator("#log").evaluate("(node) => node.scrollWidth <= node.clientWidth")
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_be_hidden()
    expect(page.locator(".launcher")).to_be_focused()
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (375, "light"), (375, "dark")])
def test_axe_finds_nothing(
    browser: Browser, site: tuple[Site, str], address: str, api: FakeApi, width: int, scheme: Any
) -> None:
    """In a conversation that has everything: answers, lists, thumbs, choices, a colleague, what was not sent."""
    context = browser.new_context(
        base_url=site[1],
        locale="en-GB",
        viewport={"width": width, "height": 740},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto("/shop")
    assert serious(page) == []
    page.locator(".launcher").click()
    api.state = "person"
    api.updates = [{"id": 1, "text": "Hello", "html": "<p>Hello</p>"}]
    api.replies |= {"colour": CHOICES, "help": {"messages": [{"text": "x", "html": HTML}]}}
    ask(page, "help")
    page.get_by_role("button", name="Helpful", exact=True).click()
    expect(page.locator(".author")).to_be_visible()
    api.refusals = [400]
    ask(page, "refused")
    ask(page, "colour")
    page.locator("#message").fill("x" * 2001)
    page.get_by_role("button", name="Clear conversation").click()

    assert serious(page) == []
    context.close()


def serious(page: Page) -> list[str]:
    """What axe finds, in the shadow too."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {node['html']:.200}" for one in found for node in one["nodes"] if one["impact"] != "minor"]


def test_the_pages_own_shortcuts_stay_quiet(page: Page) -> None:
    """A key that is typed into the chat is not one of the page."""
    page.evaluate("window.keys = []; document.addEventListener('keydown', (event) => window.keys.push(event.key))")
    page.locator("#message").press("s")
    page.locator("#message").press("Escape")

    assert page.evaluate("window.keys") == []
    expect(page.locator(".launcher")).to_be_focused()


def test_the_page_may_open_and_close_it(page: Page) -> None:
    page.evaluate("document.querySelector('helpdesk-widget').close()")
    expect(page.locator(".panel")).to_be_hidden()
    page.evaluate("document.querySelector('helpdesk-widget').open()")
    expect(page.locator("#message")).to_be_focused()


def test_closed_and_opened_at_once_it_is_open(page: Page) -> None:
    """The browser tells of the closing only afterwards."""
    page.evaluate("(w => (w.close(), w.open()))(document.querySelector('helpdesk-widget'))")
    page.evaluate("new Promise((done) => setTimeout(done, 50))")

    expect(page.locator("#message")).to_be_focused()
    expect(page.locator(".launcher")).to_be_hidden()
