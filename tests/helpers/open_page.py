"""A page from a file in Debian's Chromium, with its console messages and requests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
PATIENCE = 120_000  # milliseconds; only a failure takes so long


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def new_page(browser: Browser, **options: object) -> Page:
    """An empty page in a context of its own with these options."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    return context.new_page()


@contextmanager
def opened(browser: Browser, file: Path, link: str = "", width: int = 1280, scheme: str = "light") -> Iterator[Page]:
    """The page; afterwards it must have written nothing to the console and requested nothing from the network."""
    page = new_page(browser, viewport={"width": width, "height": 900}, color_scheme=scheme)
    messages, requests = [], []
    page.context.route("**/*", lambda route: route.continue_() if route.request.url.startswith(("file:", "data:")) else route.abort())
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(f"{file.as_uri()}{link}")
    try:
        yield page
        page.wait_for_timeout(50)
        assert messages == []
        assert {url.partition("#")[0] for url in requests if not url.startswith("data:")} == {file.as_uri()}
    finally:
        page.context.close()


# Each finds what is wrong on the page as it stands, as a list of texts; what is hidden does not count.
VISIBLE = "const visible = (element) => element.checkVisibility() && element.getClientRects().length > 0;"

UNNAMED = f"""() => {{ {VISIBLE}
  const named = (element) => element.getAttribute("aria-label") || element.alt
    || (element.getAttribute("aria-labelledby") || "").split(" ").some((id) => document.getElementById(id)?.textContent.trim())
    || [...(element.labels || [])].some((label) => label.textContent.trim())
    || (!["SELECT", "INPUT", "IMG", "CANVAS", "OL"].includes(element.tagName) && element.getAttribute("role") !== "region"
        && element.textContent.trim());
  return [...document.querySelectorAll("a, button, select, input, summary, dialog, [role], [tabindex], img, canvas, svg, ol")]
    .filter((element) => visible(element) && !element.closest("[aria-hidden=true], svg svg") && element.getAttribute("role") !== "status")
    .filter((element) => !named(element)).map((element) => element.outerHTML.slice(0, 120));
}}"""

HEADINGS = f"""() => {{ {VISIBLE}
  return [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(visible).map((element) => Number(element.tagName[1]));
}}"""

# WCAG 2.2, 1.4.3; the colour behind a text is that of the nearest ancestor that has one.
FAINT = f"""() => {{ {VISIBLE}
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const scaled = (part, place) => (place < 3 ? 255 * part : part);
  const parse = (text) => (text.startsWith("color(srgb") ? numbers(text).map(scaled) : numbers(text));
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {{
    for (let at = element; at; at = at.parentElement) {{
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }}
    return [255, 255, 255];
  }};
  const open = document.querySelector("dialog[open]") ?? document;
  return [...open.querySelectorAll("*")]
    .filter((element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim()))
    .filter((element) => visible(element) && !element.disabled && !element.closest("svg"))
    .flatMap((element) => {{
      const [one, other] = [parse(getComputedStyle(element).color), behind(element)].map(luminance);
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      return contrast < 4.5 ? [`${{contrast.toFixed(2)}}: ${{element.outerHTML.slice(0, 100)}}`] : [];
    }});
}}"""

TWICE = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  return ids.filter((id, place) => ids.indexOf(id) !== place);
}"""

BARE_CELLS = """() => [...document.querySelectorAll("table")].flatMap((table) =>
  [...table.querySelectorAll("thead th:not([scope=col]), tbody th:not([scope=row])"),
   ...[...table.querySelectorAll("tbody tr")].filter((row) => !row.querySelector("th"))].map((cell) => cell.outerHTML.slice(0, 100)))"""
