"""The page in a real browser: how many clicks a task takes, what is asked for, who can read it."""

import re
import shutil
import socket
import threading

import pytest
import uvicorn

from lightmem_integrations import Turn
from lightmem_integrations.testing import ScriptedWriter
from lightmem_integrations.web.page.app import page

pytestmark = pytest.mark.slow

TOKEN = "token"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

# Names of what can be operated, and the contrast of all text, as WCAG 2 reckons it.
CHECKS = r"""
() => {
  const faults = [];
  const colour = (text) => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
    return colour(getComputedStyle(document.documentElement).backgroundColor);
  };
  const seen = (element) => element.checkVisibility({ visibilityProperty: true });
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const holder = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !seen(holder)) continue;
    const pair = [light(colour(getComputedStyle(holder).color)), light(ground(holder))];
    const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(2)}: ${texts.currentNode.data}`);
  }
  const operated = "a, button, input:not([type=hidden]), select, textarea, summary, [role=img], "
    + "[role=meter], [role=region], nav, dialog, section[aria-label], pre[tabindex]";
  for (const each of document.querySelectorAll(operated)) {
    if (!seen(each)) continue;
    const labels = [...(each.labels ?? [])].map((label) => label.textContent).join("");
    const said = (each.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean)
      .map((id) => document.getElementById(id)?.textContent ?? "").join("");
    const own = each.matches("nav, [role=region], pre, dialog") ? "" : each.textContent;
    const name = each.getAttribute("aria-label") ?? (said || labels || own);
    if (!name.trim()) faults.push(`no name: ${each.outerHTML.slice(0, 80)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  if (new Set(ids).size < ids.length) faults.push("an id stands twice");
  if (document.querySelectorAll("main").length !== 1) faults.push("no main landmark");
  if (document.querySelectorAll("h1").length !== 1) faults.push("no heading, or several");
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(seen)
    .map((each) => Number(each.localName[1]));
  if (levels[0] !== 1 || levels.some((level, at) => at && level > levels[at - 1] + 1)) {
    faults.push(`headings in the order ${levels}`);
  }
  if (!document.documentElement.lang) faults.push("no language");
  if (document.querySelectorAll("body > header").length !== 1) faults.push("no banner");
  const navigations = [...document.querySelectorAll("nav")]
    .map((each) => each.getAttribute("aria-label"));
  if (new Set(navigations).size < navigations.length) faults.push("two nav have one name");
  for (const each of document.querySelectorAll("main th:not([scope])")) {
    faults.push(`a heading of nothing: ${each.textContent}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push("wider than the screen");
  return faults;
}
"""


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium to drive")
    driver = pytest.importorskip("playwright.sync_api").sync_playwright().start()
    opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield opened
    opened.close()
    driver.stop()


@pytest.fixture
def memory(open_memory):
    memory = open_memory(writer=ScriptedWriter())
    said = ["Anne.home = Lisbon", "Anne.home = Porto replaces", "Anne.likes + tea"]
    for number, text in enumerate(said):
        turn = Turn(role="user", speaker="Anne", text=text, id=f"t{number}")
        memory.add(turn, user_id="anne", session_id=f"chat-{number}")
    memory.add(Turn(role="user", text="<b>x</b>"), user_id="<script>document.title='x'</script>")
    memory.consolidate(final=True)
    return memory


@pytest.fixture
def address(memory):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(page(memory, token=TOKEN), log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/?token={TOKEN}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def tab(browser, address):
    context = browser.new_context()
    tab = context.new_page()
    tab.asked, tab.faults = [], []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.on("console", lambda message: tab.faults.append(message.text))
    tab.on("pageerror", lambda error: tab.faults.append(str(error)))
    tab.goto(address)
    yield tab
    context.close()
    home = address.partition("?")[0]
    assert [each for each in tab.asked if not each.startswith((home, "data:,"))] == []
    assert tab.faults == []


def test_a_memory_is_found_explained_corrected_and_forgotten_in_four_clicks_each(tab, memory):
    start, clicks = tab.url, []
    assert "token" not in start
    tab.context.expose_function("clicked", lambda name: clicks.append(name))
    tab.context.add_init_script("addEventListener('click', (e) => clicked(e.target.tagName), true)")
    tab.reload()
    tab.get_by_role("link", name="2 facts of anne").click()
    tab.get_by_role("link", name="Anne home Porto.").click()
    assert tab.get_by_text("Anne.home = Porto replaces").is_visible()  # the evidence
    assert tab.get_by_role("link", name="Anne home Lisbon.").is_visible()  # the history
    tab.get_by_label("Statement").fill("Anne lives in Braga.")
    tab.get_by_role("button", name="Save").click()
    assert tab.get_by_role("heading", name="Anne lives in Braga.").is_visible()
    assert 0 < len(clicks) <= 4  # found and explained on the way
    clicks.clear()
    tab.goto(start)
    tab.get_by_role("link", name="2 facts of anne").click()
    tab.get_by_role("link", name="Anne likes tea.").click()
    tab.get_by_role("link", name="Forget…").click()
    assert tab.get_by_text("This will erase 1 turn, 1 episode and 1 fact").is_visible()
    tab.get_by_role("button", name="Erase for good").click()
    assert tab.get_by_role("heading", name="Erased").is_visible()
    assert 0 < len(clicks) <= 4
    kept = [fact.statement for fact in memory.facts(user_id="anne")]
    assert kept == ["Anne lives in Braga."]


def test_the_keyboard_reaches_search_the_keys_and_the_content(tab):
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.name") == "q"
    tab.keyboard.press("?")  # in a field it is a letter
    assert tab.evaluate("document.activeElement.value") == "?"
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("?")
    assert tab.get_by_role("dialog", name="Keys").is_visible()
    tab.keyboard.press("Escape")
    assert not tab.get_by_role("dialog").is_visible()
    tab.reload()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "content"


def views(memory):
    """Addresses of every view, with something to show and without."""
    porto = memory.facts(user_id="anne")[0]
    return [
        "",
        "?q=nobody",
        "timeline?user=anne",
        "timeline?user=anne&session=chat-1&turn=t1",
        "facts?user=anne&show=all",
        "facts?user=anne&show=conflicts",
        "facts?user=anne&q=nothing",
        f"facts/fact?user=anne&id={porto.id}",
        "recall?user=anne",
        "recall?user=anne&q=Where+does+Anne+live",
        "recall?user=anne&q=Where+does+Anne+live&k2=2&day2=2025-01-01",
        "profile?user=anne",
        "audit",
        "audit?user=anne",
        "forget?user=anne",
        "forget?user=anne&all=1",
        "spaces",
        "metrics",
        "nowhere",
    ]


def test_everything_has_a_name_and_can_be_read_in_both_colours_and_on_a_phone(tab, memory):
    memory.spaces.grant("a family with a name that is rather long", user_id="anne", write=True)
    home = tab.url
    for scheme, width in (("light", 1280), ("dark", 360)):
        tab.emulate_media(color_scheme=scheme)
        tab.set_viewport_size({"width": width, "height": 800})
        for view in views(memory):
            tab.goto(home + view)
            assert tab.evaluate(CHECKS) == [], (view, scheme)
            assert re.search("LightMem$", tab.title())
    tab.faults[:] = [each for each in tab.faults if "404" not in each]  # nowhere


@pytest.mark.parametrize(
    ("path", "name", "lines"), [("/", "anne", 4), ("/spaces", "anne", 3), ("/metrics", "recall", 5)]
)
def test_rows_are_lists_on_a_phone_and_a_table_on_a_screen(tab, memory, path, name, lines):
    memory.spaces.grant("family", user_id="anne", write=True)
    tab.goto(tab.url.partition("?")[0].rstrip("/") + path)
    hidden = (
        "() => { const r = document.querySelector('.wide'); return r.scrollWidth - r.clientWidth }"
    )
    shown = {}
    for width in (360, 1280):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate(hidden) <= 0
        row = tab.locator("tbody tr").filter(has_text=name)
        tops = row.locator("td").evaluate_all(
            "all => all.map((e) => e.getBoundingClientRect().top)"
        )
        shown[width] = len({round(top) for top in tops})
    assert shown[1280] == 1
    assert shown[360] >= lines


def test_what_has_the_focus_is_seen(tab, memory):
    home, porto = tab.url, memory.facts(user_id="anne")[0]
    outlined = """() => {
      const at = document.activeElement, style = getComputedStyle(at);
      return [at.tagName, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
    }"""
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        for view in ("", f"facts/fact?user=anne&id={porto.id}", "recall?user=anne&q=home"):
            tab.goto(home + view)
            seen = []
            for _ in range(60):
                tab.keyboard.press("Tab")
                seen.append(tuple(tab.evaluate(outlined)))
                if seen[-1][0] == "BODY":
                    break
            assert len(seen) > 8
            assert [name for name, outline in seen if not outline and name != "BODY"] == []


def test_printed_it_has_what_is_known_and_no_controls(tab, memory):
    home = tab.url
    controls = "nav, form, button, input:not([type=hidden]), select, textarea, .skip, dialog"
    for view in views(memory):
        tab.emulate_media(media="print", color_scheme="dark")
        tab.goto(home + view)
        for control in tab.locator(controls).all():
            assert not control.is_visible(), view
        assert tab.locator("h1").is_visible()
        faults = [each for each in tab.evaluate(CHECKS) if each.startswith(("contrast", "wider"))]
        assert faults == [], view
    tab.faults[:] = [each for each in tab.faults if "404" not in each]  # nowhere
    tab.goto(home + "recall?user=anne&q=Where+does+Anne+live")
    assert tab.get_by_text("Where does Anne live").first.is_visible()  # it stood in a field
    packed = tab.locator(".packed").first
    assert packed.evaluate("(e) => e.scrollHeight <= e.clientHeight + 1")
    assert "underline" in tab.locator("main a").first.evaluate(
        "(e) => getComputedStyle(e).textDecoration"
    )
    printed = tab.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF-")
    boxes = re.findall(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", printed)
    a4 = {(round(float(width)), round(float(height))) for width, height in boxes}
    assert a4 in ({(595, 842)}, {(596, 842)}, {(594, 842)}, {(595, 841)})
