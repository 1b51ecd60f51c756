"""Hooks of MkDocs that make the repository's Markdown files, wherever they lie, the pages of one site."""

import posixpath
import re
import sys
from pathlib import Path

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
import diagrams

ROOT = Path(__file__).parents[1]
ELSEWHERE = {
    "README.md": "index.md",
    "config/README.md": "configuration.md",
    "results/README.md": "results.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
SHIM = re.compile(r"https://[^\"' >]+/iframe-worker/shim")  # by which the theme searches pages opened from a folder; docs/ has a copy
HOME = {page: source for source, page in ELSEWHERE.items()}
LINK = re.compile(r"\]\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, config) -> Files:
    """Add the pages that do not lie in docs/, and the files that pages link to and that are no pages."""
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    for page in files.documentation_pages():
        for target, _ in LINK.findall(page.content_string):
            place = address(target, page.src_uri)
            if files.get_file_from_path(place) is None and (source := ROOT / posixpath.relpath(place, "source")).is_file():
                files.append(File.generated(config, place, content=source.read_bytes()))
    return files


def on_page_markdown(markdown: str, page, config, files: Files) -> str:
    """Turn links between files of the repository into links between pages of the site, and flowcharts into pictures."""
    here = page.file.src_uri

    def turned(link: re.Match) -> str:
        return f"]({posixpath.relpath(address(link[1], here), posixpath.dirname(here))}{link[2] or ''})"

    return diagrams.drawn(LINK.sub(turned, markdown))


def on_post_page(output: str, page, config) -> str:
    """Fetch nothing from elsewhere."""
    return SHIM.sub(posixpath.relpath("iframe-worker.js", posixpath.dirname(page.file.dest_uri)), output)


def on_post_template(output: str, template_name: str, config) -> str:
    """Fetch nothing from elsewhere: for the page of addresses that do not exist."""
    return SHIM.sub("/iframe-worker.js", output)


def address(target: str, page: str) -> str:
    """Where on the site the file is that a page, given by its place on the site, links to; files outside of docs/ are below source/."""
    source = posixpath.normpath(posixpath.join(posixpath.dirname(HOME.get(page, f"docs/{page}")), target))
    if source in ELSEWHERE:
        return ELSEWHERE[source]
    return source.removeprefix("docs/") if source.startswith("docs/") else f"source/{source}"
