"""The documentation as a site: builds without a warning, every link leads somewhere, no page names anything to fetch from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

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
    pages = [site / (path.parent if path.name == "README.md" else path.with_suffix("")) / "index.html" for path in sources]
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
