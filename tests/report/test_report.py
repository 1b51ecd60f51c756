import base64
import hashlib
import html
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import fake_study
import write_report
from hardpair.errors import UserError
from hardpair.figures import catalogue
from hardpair.files.readers import read_table
from hardpair.report import alt_texts, confusions, inline_files, thumbnails
from hardpair.report.page import render
from reported_study import FIGURES, reported

VOID = {"meta", "img", "br", "hr", "link", "input"}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder, settings, images = reported(tmp_path_factory.mktemp("study"))
    return render(folder, settings, images), settings, folder


@pytest.fixture(scope="module")
def damageable(tmp_path_factory):
    return reported(tmp_path_factory.mktemp("damaged"))


class Checked(HTMLParser):
    """Collects elements, and refuses elements that are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_it_is_complete_and_requests_nothing(page):
    text = page[0]
    tags = Checked(text).found
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", ""), "the name of SVG, which nobody asks for"
    assert "https://" not in text
    assert {tag for tag, _ in tags}.isdisjoint({"link", "iframe", "object", "embed", "base", "form"})
    for tag, attributes in tags:
        for name in ("src", "href", "srcset", "data", "poster", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/svg+xml;base64,", "#")), (tag, name)
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"url\(|@import", text)
    [policy] = [attributes["content"] for tag, attributes in tags if attributes.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    data, script = re.findall(r"<script([^>]*)>(.*?)</script>", text, re.S)
    assert data[0] == ' type="application/json" id="explorer-data"'
    assert json.loads(data[1])["classes"][3] == "cat"
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy, "no other script may run"


def test_links_lead_to_sections(page):
    tags = Checked(page[0]).found
    names = {attributes["id"] for _, attributes in tags if "id" in attributes}
    targets = {attributes["href"][1:] for tag, attributes in tags if tag == "a"}
    assert targets
    assert targets <= names


def test_figures_have_alternative_texts_and_captions(page):
    images = [attributes for tag, attributes in Checked(page[0]).found if tag == "img"]
    assert len(images) == len(FIGURES)
    assert all(attributes["alt"] and attributes["loading"] == "lazy" for attributes in images)
    assert "What &lt;b&gt;was&lt;/b&gt; found." in page[0]


def test_alternative_texts_state_results_and_captions_follow_them(page):
    text, _, folder = page
    images = [attributes for tag, attributes in Checked(text).found if tag == "img"]
    [headline] = re.findall(r"<h1>(.*?)</h1>", text)
    assert images[0]["alt"] == f"The study. {html.unescape(headline)}."
    assert all(f'id="{attributes["aria-describedby"]}"' in text for attributes in images)
    labels = {variant["name"]: variant["label"] for variant in fake_study.STUDY}
    card = {"label": "CE", "confusion": {"text": "19.6 %"}, "accuracy": {"text": "64.5 %"}}
    tables = {name: read_table(folder / f"{name}.csv") for name in ("comparison", "most_confused")}
    found = alt_texts.results(tables, labels, "ce", {"headline": "x", "cards": [card]}, "validation")
    levels = {found[name] for name in ("training", "variants", "plane", "curves")}
    assert levels == {"On validation images after the last epoch, CE: confusion 19.6 %, accuracy 64.5 %."}, "curves may be of others"
    table = pd.read_csv(folder / "comparison.csv")
    last = table[(table["model"] == "last") & (table["variant"] == "ce")].set_index("metric")["mean"]
    classes = last[last.index.str.startswith("accuracy:")]
    low, high = (f"{end.partition(':')[2]} ({100 * classes[end]:.1f} %)" for end in (classes.idxmin(), classes.idxmax()))
    assert found["classes"] == f"CrossEntropy is least accurate on {low} and most accurate on {high}."
    assert f"CrossEntropy {100 * last['ece']:.1f} %" in found["reliability"]
    assert max(map(len, found.values())) < 300


def test_one_run_is_called_the_run(tmp_path):
    folder, settings, images = reported(tmp_path, seeds=1, variants=fake_study.STUDY[:1])
    section = " ".join(render(folder, settings, images).partition('<section id="explorer">')[2].partition("<noscript>")[0].split())
    assert "images are misclassified by the run (model after the last epoch)." in section
    assert "most runs" not in section


def test_a_cut_report_says_which_images_are_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(thumbnails, "PER_SHEET", 16)
    folder, settings, images = reported(tmp_path, seeds=5, images=300)
    text = " ".join(render(folder, settings, images, 1000).split())
    assert "images are shown: 8 that a variant fixes or gets newly wrong, and 8 others that most runs misclassify." in text
    assert ", compared with CrossEntropy, of all 300 test images. An image" in text
    assert "Select a number to see its images among the 16 images shown, or a title to sort." in text
    assert "images shown" not in " ".join(render(folder, settings, images).partition("<script")[0].split())


def test_numbers_are_those_of_the_tables(page):
    text, _, folder = page
    runs = pd.read_csv(folder / "runs.csv")
    last = runs[runs["model"] == "last"].pivot(index="seed", columns="variant", values="confusion:cat-dog") * 100
    assert f"{last['dfl'].mean():.2f}<small>" in text
    difference = (last["dfl"] - last["ce"]).mean()
    assert f"Δ {difference:+.2f}".replace("-", "−") in text
    assert "published 12.02" in text
    lead = text[text.index('id="comparison"') : text.index('id="pair"')]
    assert lead.count("baseline</small>") == 6 * 2  # measures × models
    directions = runs[runs["model"] == "last"].pivot(index="seed", columns="variant", values="b_to_a:cat-dog") * 100
    detail = text[text.index('id="pair"') : text.index('id="speed"')]
    assert f"{directions['dfl'].mean():.2f}<small>" in detail
    assert ">dog → cat (%)</th>" in detail
    first = pd.read_csv(folder / "most_confused.csv").iloc[0]
    assert f"{first['pair'].replace('-', '–')}</th><td>{100 * first['mean']:.2f}<small>baseline" in detail
    contrast = pd.read_csv(folder / "contrasts.csv").iloc[0]
    shown = " to ".join(f"{100 * contrast[f'new_images_{end}']:+.2f}".replace("-", "−") for end in ("low", "high"))
    assert f"<td>{shown}</td>" in text


@pytest.mark.parametrize("seeds", [1, 2])
def test_too_few_seeds_have_no_interval_and_are_said_once_to_be_too_few(tmp_path, seeds):
    folder, settings, images = reported(tmp_path, seeds=seeds)
    text = render(folder, settings, images)
    assert text.count("complete, and verdicts need 6") == 1
    assert text.count("<strong>No verdict yet</strong>, all claims: ") == 1
    assert "nan" not in re.sub(r"(?s)base64,[^\"]*|<script.*?</script>", "", text).lower().replace("provenance", "")
    assert " to " not in text[text.index("<tbody>") : text.index("</tbody>")]


def test_the_complete_config_is_shown(page):
    text, settings, _ = page
    shown = html.unescape(re.search(r'aria-label="Config"><pre>(.*?)</pre>', text, re.S)[1])
    assert yaml.safe_load(shown) == settings["config"]
    assert html.escape("python x.py --y '<z>'", quote=True).replace("&#x27;", "&#39;") in text


def test_provenance_names_data_device_and_versions(page):
    digest = json.loads((page[2].parent / "data/dataset.json").read_text())["sha256"]
    for fact in (digest, "Fake GPU", "bf16", "2.9.0", "4576394", "c0de" * 4):
        assert fact in page[0]


def test_the_page_and_its_matrix_show_the_same_number_of_classes(tmp_path, monkeypatch):
    monkeypatch.setattr(confusions, "IN_MATRIX", 4)
    folder, settings, images = reported(tmp_path)
    text = render(folder, settings, images)
    assert "Only the 4 of 10 classes with most errors are shown." in " ".join(text.split())
    assert json.loads(re.search(r'id="explorer-data">(.*?)</script>', text, re.S)[1])["in_matrix"] == 4


def test_labels_and_classes_are_escaped(tmp_path):
    evil = "<script>alert(1)</script>"
    classes = ["<script>alert(2)</script>" if name == "dog" else name for name in fake_study.CLASSES]
    folder, settings, images = reported(tmp_path, classes=classes)
    settings["config"]["variants"][1]["label"] = evil
    settings["config"]["study"] = evil
    settings["commands"] = [evil]
    text = render(folder, settings, images)
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert(1)") > 5
    assert text.count("&lt;script&gt;alert(2)") > 5
    data = re.search(r'id="explorer-data">(.*?)</script>', text, re.S)[1]
    assert json.loads(data)["variants"][1]["label"] == evil


def test_leftovers_of_a_search_that_is_now_disabled_are_not_shown(tmp_path):
    folder, settings, images = reported(tmp_path)
    settings["config"]["search"] = settings["config"]["search"] | {"enabled": False}
    settings["searches"] = []
    text = render(folder, settings, images)
    assert 'id="search"' not in text
    assert (folder / "search" / "trials.csv").exists()


def test_the_largest_svg_gives_way_to_its_png_where_all_are_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(inline_files, "ROOM", 250)
    folder, settings, images = reported(tmp_path)
    (folder / "figures" / "search.svg").write_text("<svg>" + 300 * " " + "</svg>")
    text = render(folder, settings, images)
    assert text.count("data:image/png;base64,") == text.count("data:image/svg+xml;base64,") == 1


def test_a_missing_figure_is_named(tmp_path):
    folder, settings, images = reported(tmp_path)
    (folder / "figures" / "final.svg").unlink()
    with pytest.raises(UserError, match=r"final\.svg is missing"):
        render(folder, settings, images)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("comparison", "model"),
        ("contrasts", "claims"),
        ("most_confused", "pair"),
        ("claims", "why"),
        ("runs", "fingerprint"),
        ("runs", "ece"),
        ("search/trials", "diverged"),
        ("search/trials", "round"),
    ],
)
def test_a_table_without_a_column_is_named(damageable, table, column):
    folder, settings, images = damageable
    path = folder / f"{table}.csv"
    whole = path.read_text()
    pd.read_csv(path).drop(columns=column).to_csv(path, index=False)
    with pytest.raises(UserError) as caught:
        render(folder, settings, images)
    path.write_text(whole)
    problem = f"does not hold what it should ('{column}'): delete it and run the step that makes it again"
    assert str(caught.value) == f"{path} {problem}"


def test_script_writes_the_same_bytes_again(page, tmp_path, monkeypatch):
    _, settings, folder = page
    for name in ("a.html", "b.html"):
        line = ["write_report.py", "--study-dir", str(folder), "--data", str(folder.parent / "data")]
        line += ["--settings", json.dumps(settings), "--output", str(tmp_path / name)]
        monkeypatch.setattr(sys, "argv", line)
        write_report.main()
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes() == page[0].encode()


def test_damaged_images_are_not_shown(tmp_path, monkeypatch):
    folder, settings, _ = reported(tmp_path)
    array = np.load(folder.parent / "data/test/images.npy")
    np.save(folder.parent / "data/test/images.npy", 255 - array)
    line = ["write_report.py", "--study-dir", str(folder), "--data", str(folder.parent / "data")]
    monkeypatch.setattr(sys, "argv", [*line, "--settings", json.dumps(settings), "--output", str(tmp_path / "report.html")])
    with pytest.raises(UserError, match=r"^the arrays in .* are damaged"):
        write_report.main()
    assert not (tmp_path / "report.html").exists()


def test_captions_are_short_sentences():
    captions = {path.stem: path for path in (Path(write_report.__file__).parents[1] / "report").glob("*.rst")}
    assert "snakemake" in captions.pop("figure").read_text(), "it fills in the caption of each"
    assert captions.keys() == {*catalogue.FIGURES, "comparison", "report", "study"}
    for path in captions.values():
        words, sentences = len(path.read_text().split()), len(re.findall(r"[.?](?=\s|$)", path.read_text()))
        assert sentences >= 2, path.name
        assert words <= 120, path.name
        assert words / sentences <= 30, path.name
