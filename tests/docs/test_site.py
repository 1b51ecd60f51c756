"""The documentation as a site: builds without a warning, every link leads somewhere, no page names anything to fetch from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import which
from urllib.parse import unquote, urldefrag

import pytest

import diagrams
import open_page

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_every_markdown_file_of_the_docs_is_a_page(site):
    sources = {path.relative_to(PROJECT / "docs") for path in (PROJECT / "docs").glob("**/*.md")}
    pages = [site / (path.parent / "index.html" if path.name == "README.md" else path.with_suffix(".html")) for path in sources]
    assert all(page.is_file() for page in pages)
    assert (site / "index.html").read_text().count("<h1") == 1
    assert "First result in two minutes" in (site / "index.html").read_text()


def test_every_link_leads_to_a_file_and_a_heading_of_it(site):
    links = 0
    for page in site.glob("**/*.html"):
        if page.name == "404.html":
            continue
        text = page.read_text()
        for link in re.findall(r'(?:href|src)="?([^" >]+)', text):
            if re.match(r"\w+:", link):
                continue
            target, anchor = urldefrag(unquote(link))
            file = (page.parent / target).resolve() if target else page
            file = file / "index.html" if file.is_dir() else file
            assert file.is_file(), f"{page.relative_to(site)} links to {link}"
            assert not anchor or re.search(rf'\bid="?{re.escape(anchor)}["\s>]', file.read_text()), f"{page.relative_to(site)}: {link}"
            links += 1
    assert links > 500


def test_nothing_is_fetched_from_elsewhere(site):
    for page in site.glob("**/*.html"):
        fetched = re.findall(
            r'<(?:script|img|iframe)[^>]*src="?(https?:[^" >]+)|<link[^>]*rel="?stylesheet"?[^>]*href="?(https?:[^" >]+)', page.read_text()
        )
        assert fetched == [], page.relative_to(site)


@pytest.mark.skipif(
    open_page.CHROMIUM is None or which("dot") is None, reason="needs chromium and graphviz: apt-get install chromium graphviz"
)
def test_search_and_diagrams_work_in_a_folder_without_network(site):
    source = (PROJECT / "docs/architecture.md").read_text()
    with open_page.browser() as chromium:
        page = open_page.new_page(chromium)
        addresses = []
        page.on("request", lambda request: addresses.append(request.url))
        page.goto((site / "architecture.html").as_uri())
        boxes = page.locator(".diagram svg .node")
        assert "a run per variant and seed" in boxes.filter(has_text="train").first.text_content()
        assert boxes.count() == len(diagrams.nodes_and_edges(diagrams.FENCE.search(source)[1])[0])
        page.keyboard.press("s")
        page.keyboard.type("staleness")
        page.locator(".md-search-result__item", has_text="How staleness is decided").wait_for()
        page.close()
    assert all(address.startswith(("file:", "data:", "blob:")) for address in addresses)


def test_flowcharts_are_read_as_mermaid_reads_them():
    nodes, edges = diagrams.nodes_and_edges('flowchart LR\n    a["images<br>of cats"] --> b & c --> d\n    d <--> a\n')
    assert nodes == {"a": r"images\nof cats", "b": "b", "c": "c", "d": "d"}
    assert edges == [("a", "-->", "b"), ("a", "-->", "c"), ("b", "-->", "d"), ("c", "-->", "d"), ("d", "<-->", "a")]


@pytest.mark.parametrize("text", ["flowchart TB\na --> b", "flowchart LR\na -.-> b", "flowchart LR\na(round) --> b"])
def test_a_flowchart_of_another_kind_is_refused(text):
    with pytest.raises(ValueError, match="is not drawn: write"):
        diagrams.nodes_and_edges(text)
