"""Names from a config, as wild as a config may hold them: in shells, pages, tables and figures they are text and nothing else."""

import json
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path

import markdown
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import fake_study
import fuzzing
import picture_tree
from compared_study import Study
from hardpair.config.resolve import resolve
from hardpair.figures import catalogue, variants
from hardpair.figures.drawing import style
from hardpair.files.readers import read_table
from hardpair.report.page import render
from hardpair.staleness import plan
from workspace import PROJECT, Workspace

WILD = [
    "'",
    '"',
    " ",
    ";",
    "$(touch sprung)",
    "`touch sprung`",
    "<script>alert(1)</script>",
    "<img src=x onerror=y>",
    "&lt;",
    "&& touch sprung",
]
WILD += ["| touch sprung", "> sprung", "数", "ä", "é", "{wildcards.x}", "{{ 7 * 7 }}", "{% raw %}", "%s", "$", "$x^2$", r"\$", "\\", "\\n"]
WILD += [
    "[a](javascript:x)",
    "![a](http://x/y.png)",
    "**b**",
    "_c_",
    "~",
    "#",
    "*",
    "?",
    "-rf",
    "--output=x",
    "=1+1",
    "@x",
    ",",
    ":",
    "\t",
    "\u202e",
    "🐱",
]
LINES = ["\n", "\r\n"]
# Where lines end only in a sentence; folders have no slash.
NAME = st.lists(st.sampled_from(WILD), min_size=1, max_size=6).map("".join).filter(lambda text: text.strip())
SENTENCE = st.lists(st.sampled_from(WILD + LINES), min_size=1, max_size=8).map("".join).filter(lambda text: text.strip())
MARKDOWN = set("h1 h2 h3 p strong em ul li table thead tbody tr th td".split())


class Page(HTMLParser):
    """Elements and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def shape(self) -> list[tuple[str, list[str]]]:
        """Every element with the names of its attributes."""
        return [(tag, list(attributes)) for tag, attributes in self.found]

    def assert_tame(self, elements: set[str]) -> None:
        assert {tag for tag, _ in self.found} <= elements
        for tag, attributes in self.found:
            assert not any(name.startswith("on") for name in attributes)
            assert attributes.get("href", "#").startswith("#")
            assert tag != "img" or attributes["src"].startswith("data:")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A made-up study, complete, with the tables of a comparison."""
    folder = tmp_path_factory.mktemp("study")
    settings = fake_study.settings(fake_study.STUDY[:2], seeds=2)
    fake_study.write_study(folder, settings, epochs=2, images=100)
    (folder / "compared").mkdir()
    return folder / "results", Study(folder / "compared", seeds=2, variants=fake_study.STUDY[:2])


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@fuzzing.fuzzed(few=8, many=80)
@given(first=NAME, second=NAME, sentence=SENTENCE, source=NAME)
def test_the_report_shows_names_as_text(study, first, second, sentence, source):
    labels = [f"{first}1", f"{second}2"]
    page, usual = reported(study[0], labels, sentence, source), reported(study[0], ["a", "b"], "c", "d")
    assert page.shape() == usual.shape(), "no name makes an element or an attribute"
    page.assert_tame({tag for tag, _ in usual.found})
    for text in (*labels, sentence, source):
        assert in_one_line(text) in in_one_line(page.text)


def reported(results: Path, labels: list[str], sentence: str, source: str) -> Page:
    """The report of a study with these names."""
    about = {"data": "cifar10", "pair": ["cat", "dog"]}
    published = [variant | {"published": about | variant["published"]} for variant in fake_study.STUDY[:2]]
    shown = [variant | {"label": label} for variant, label in zip(published, labels, strict=True)]
    base = {"study": "fake", "data": {"kind": "cifar10", "name": "fake", "source": source}, "baseline": "ce", "seeds": [0, 1]}
    declared = {key: fake_study.settings(shown, seeds=2)[key] for key in ("contrasts", "claims")}
    config = resolve(base | {"variants": shown, "search": {"enabled": False}} | declared)
    reference = {"pair": ["cat", "dog"], "confusion": 0.1, "label": sentence, "source": source}
    settings = {"config": config, "pairs": [["cat", "dog"]], "references": [reference], "searches": [], "commands": [sentence]}
    settings |= {"figures": [], "answer": plan.figure_settings(config, catalogue.FINAL)}
    return Page(render(results, settings, np.load(results.parent / "data" / "test" / "images.npy")))


@fuzzing.fuzzed(few=8, many=80)
@given(first=NAME, second=NAME, sentence=SENTENCE)
def test_tables_hold_names_as_text(study, tmp_path_factory, first, second, sentence):
    compared, labels = study[1], [f"{first}1", f"{second}2"]
    named = [variant | {"label": label} for variant, label in zip(compared.settings["variants"], labels, strict=True)]
    before, part = compared.settings, {"better": "dfl", "than": "ce", "measures": ["accuracy"]}
    reference = {"pair": ["cat", "dog"], "confusion": 0.1, "label": first, "source": sentence}
    claim = {"name": "c", "sentence": sentence, "contrasts": [part], "control": False}
    changes = {"variants": named, "claims": [claim], "references": [reference]}
    compared.settings = before | changes
    try:
        runs, text = compared.tables()[0], compared.markdown()
    finally:
        compared.settings = before
    path = tmp_path_factory.mktemp("csv") / "runs.csv"
    runs.to_csv(path, index=False, lineterminator="\n")
    assert list(dict.fromkeys(read_table(path)["label"])) == labels
    assert list(dict.fromkeys(pd.read_csv(path)["label"])) == labels
    page = Page(markdown.markdown(text, extensions=["tables"]))
    page.assert_tame(MARKDOWN)
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in block.splitlines()}) == 1


@fuzzing.fuzzed(few=3, many=40)
@given(first=NAME, second=NAME, study_=NAME)
def test_figures_draw_names_as_they_are_written(study, tmp_path_factory, first, second, study_):
    labels = [f"{first}1", f"{second}2"]
    settings = fake_study.settings([{"name": name, "label": label} for name, label in zip(("ce", "dfl"), labels, strict=True)], seeds=2)
    rows = [
        {"variant": name, "seed": seed, "images": 10, "accuracy": 0.5 + seed / 9, "confusion": 0.1}
        for name in ("ce", "dfl")
        for seed in (0, 1)
    ]
    with style.applied():
        page = variants.figure(pd.DataFrame(rows), settings | {"references": [], "study": study_})
        style.save(page, tmp_path_factory.mktemp("figure") / "v.png")
        drawn = {"".join(text.get_text().split()) for text in page.axes[0].get_yticklabels()}
    assert drawn == {"".join(label.split()) for label in labels}


@fuzzing.fuzzed(few=30, many=200)
@given(text=SENTENCE, path=NAME)
def test_settings_and_paths_come_through_a_shell(text, path):
    settings = {"label": text, "pairs": [[text, "b"]]}
    config = {"data": {"kind": "folder", "source": path, "on_bad_image": "refuse", "min_images": 2}}
    line = f"x --settings {shlex.quote(plan.params(settings))} {plan.source_argument(config, '')}"
    read = shlex.split(line)
    assert json.loads(read[2]) == settings
    assert read[3] == f"--source={path}"
    assert "{" not in plan.params(settings).replace('{"', "").replace("{}", "")


PLACES = {"class": "it's $(touch sprung); `touch sprung` <script>x 数 | & {b}", "other": "$x$_[y](javascript:z) #"}
SOURCE = "-my 'pics'; $(touch sprung) `touch sprung` {wildcards.x} <b> ü\n&.zip"
PLUGIN = "-p $(touch sprung) 'q'"


def wild_study(folder: Path) -> Workspace:
    """A study of pictures with names that would do harm if a shell or a page took them for more than text."""
    work = Workspace.fresh(folder)
    files = {f"{name}/{n}.png": picture_tree.png(n + place * 50) for place, name in enumerate(PLACES.values()) for n in range(20)}
    picture_tree.pack(work.folder / SOURCE, files)
    (work.folder / PLUGIN).mkdir()
    loss = "from hardpair.losses.cross_entropy import Loss as Plain\n\n\nclass Loss(Plain):\n    pass\n"
    (work.folder / PLUGIN / "mine.py").write_text(loss)
    label = "\"; touch sprung; ' $(touch sprung) `touch sprung` <script>alert(1)</script> | {x} $y$ 数"
    text = {"label": label + "r", "source": label + "s", "pair": list(PLACES.values()), "confusion": 0.1, "data": "folder"}
    claim = {"name": "c", "sentence": f"{label}\nso", "contrasts": [{"better": "b", "than": "a"}]}
    config = {
        "study": "wild",
        "data": {
            "kind": "folder",
            "name": "wild",
            "source": SOURCE,
            "size": 8,
            "validation": 8,
            "urls": ["https://x/$(touch sprung);'{a}"],
        },
        "pairs": [list(PLACES.values())],
        "plugins": [f"{PLUGIN}/mine.py"],
        "baseline": "a",
        "variants": [{"name": "a", "label": label}, {"name": "b", "label": label + "!", "loss": {"kind": "mine"}}],
        "seeds": [0],
        "contrasts": [["b", "a"]],
        "claims": [claim],
        "references": [text],
        "recipe": {"epochs": 1},
        "search": {"enabled": False},
    }
    (work.folder / "wild.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    return work


def assert_nothing_sprang(folder: Path) -> None:
    assert not [path for path in folder.parent.rglob("*") if path.name.startswith("sprung")]


def test_the_workflow_quotes_names_in_every_command(tmp_path):
    work = wild_study(tmp_path / "work")
    done = work.run("snakemake", "--dry-run", "--printshellcmds", "--cores", "2", "--configfile", "wild.yaml")
    lines = re.findall(
        r"^Shell command: (python workflow/scripts/.*? 2> \S+\.log)(?: && python workflow/scripts/record_inputs.py .*?)?$",
        done.stdout,
        re.M | re.S,
    )
    assert len(lines) > 10
    sources, plugged = [], 0
    for line in lines:
        words = shlex.split(line)
        assert words[-2] == "2>"
        if "--settings" in words:
            json.loads(words[words.index("--settings") + 1])  # one word, whatever it holds
        sources += [word for word in words if word.startswith("--source")]
        plugged += f"./{PLUGIN}/mine.py" in words
    assert sources == [f"--source={SOURCE}"]
    assert plugged == 1, "of the two runs, the one that needs it"
    assert_nothing_sprang(work.folder)


@pytest.mark.skipif(not fuzzing.FULL, reason="a whole study: set FAULTS=full")
def test_a_study_of_wild_names_comes_to_its_report(tmp_path):
    work = wild_study(tmp_path / "work")
    work.run("snakemake", "--cores", "2", "--configfile", "wild.yaml")
    assert_nothing_sprang(work.folder)
    results = work.folder / "results" / "wild"
    page = Page((results / "report.html").read_text())
    templates = "".join(path.read_text() for path in (PROJECT / "workflow/scripts/hardpair/report").glob("*.jinja"))
    page.assert_tame(set(re.findall(r"<(\w+)", templates)))
    assert sum(tag == "script" for tag, _ in page.found) == templates.count("<script")
    assert PLACES["other"].replace("_", " ") in page.text
    Page(markdown.markdown((results / "comparison.md").read_text(), extensions=["tables"])).assert_tame(MARKDOWN)
    for path in results.glob("figures/*.svg"):
        tags = {tag for tag, _ in Page(path.read_text()).found}
        assert tags.isdisjoint({"script", "a", "foreignobject", "text"}), path
