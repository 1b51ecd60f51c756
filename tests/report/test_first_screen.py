"""The report's first screen: the answer of the final figure, above the fold, whatever the screen, and complete on paper."""

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe

import fake_study
import open_page
from claimed_study import claim
from fake_study import CLASSES
from hardpair.comparison import claims
from hardpair.comparison.warnings import nothing_learned
from hardpair.figures import final
from hardpair.report.first_screen import DOTS, first_screen
from hardpair.report.page import render
from reported_study import reported

BOTH = ("accuracy", "confusion")
IMAGES = dict.fromkeys(CLASSES, 100)
LEVELS = {"ce": (0.61, 0.20), "dfl": (0.63, 0.205), "ce_sampler": (0.57, 0.23), "dfl_sampler": (0.62, 0.21)}
CLAIMED = {
    ("dfl", "ce"): "Dynamic Focal Loss confuses cats and dogs less often than cross-entropy.",
    ("ce_sampler", "ce"): "The focal sampler alone beats cross-entropy.",
    ("dfl", "ce_sampler"): "The loss alone beats the sampler alone.",
    ("dfl", "dfl_sampler"): "The loss alone beats both together.",
}
SCREENS = [(1280, 800), (390, 844)]
needs_chromium = pytest.mark.skipif(open_page.CHROMIUM is None, reason="needs chromium: apt-get install chromium")


def made(seeds=10, levels=LEVELS):
    """Runs around these levels, as runs.csv has them."""
    rng = np.random.default_rng(1)
    rows = [
        {"variant": name, "seed": seed, "model": "last", "epochs": 10, "accuracy": accuracy + rng.normal(0, 0.006)}
        | {"confusion:cat-dog": confusion + rng.normal(0, 0.008)}
        for name, (accuracy, confusion) in levels.items()
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def settings(seeds=10, **changes):
    """Settings of the final figure."""
    variants = [{"name": name, "label": name.upper()} for name in LEVELS]
    declared = [claim((*pair, BOTH), name="-".join(pair)) | {"sentence": sentence} for pair, sentence in CLAIMED.items()]
    found = {"study": "s", "variants": variants, "seeds": list(range(seeds)), "pairs": [["cat", "dog"]], "baseline": "ce", "looks": []}
    found |= {"evaluated_on": "test", "references": [], "claims": declared, "contrasts": [["dfl", "ce"]]}
    return found | {"margins": {"accuracy": 0.3, "confusion": 0.5}, "trained_on": {"name": "fake", "images": 400}} | changes


def test_marks_stand_where_the_paired_differences_are():
    runs = made()
    found = first_screen(runs, settings(), IMAGES)
    for panel, (column, sign) in enumerate((("accuracy", 1), ("confusion:cat-dog", -1))):
        axis = found["axes"][panel]
        low, high = axis["ends"]
        for pair, block in zip(CLAIMED, found["blocks"], strict=True):
            values = [runs[runs["variant"] == name].set_index("seed")[column] for name in pair]
            gains = 100 * sign * (values[0] - values[1])
            cell = block["rows"][0]["cells"][panel]
            shown = sorted(low + at * (high - low) / 100 for at, _ in cell["seeds"])
            np.testing.assert_allclose(shown, sorted(gains), atol=1e-3)
            assert low + cell["mean"] * (high - low) / 100 == pytest.approx(gains.mean(), abs=1e-3)
            assert cell["number"] == f"{gains.mean():+.2f}".replace("-", "−")
        assert low + axis["zero"] * (high - low) / 100 == pytest.approx(0, abs=1e-3)


def test_headline_and_verdicts_are_those_of_the_final_figure():
    runs = made()
    found = first_screen(runs, settings(), IMAGES)
    assert found["headline"] == final.sheet(runs, settings()).title
    assert [block["verdict"]["word"] for block in found["blocks"]] == list(claims.claims_table(runs, settings())["verdict"])
    assert len({block["verdict"]["word"] for block in found["blocks"]}) == 3


def test_cards_have_levels_and_signs_of_claims_against_the_baseline():
    runs = made()
    cards = {card["label"]: card for card in first_screen(runs, settings(), IMAGES)["cards"]}
    for name in LEVELS:
        means = runs[runs["variant"] == name][["accuracy", "confusion:cat-dog"]].mean()
        assert [cards[name.upper()][measure]["text"] for measure in BOTH] == [f"{100 * mean:.1f} %" for mean in means]
    signs = {name: [card[measure]["verdict"] and card[measure]["verdict"]["sign"] for measure in BOTH] for name, card in cards.items()}
    assert signs == {"CE": [None] * 2, "DFL": ["✓", "?"], "CE_SAMPLER": ["✗", "✗"], "DFL_SAMPLER": [None] * 2}


def test_the_key_explains_the_signs_of_the_cards_that_occur():
    assert first_screen(made(), settings(), IMAGES)["key"][-1] == (
        "",
        "claims against the baseline: ✓ supported, ✗ refuted, ? not settled; without a sign: no claim",
    )
    refuted = settings(claims=[claim(("ce_sampler", "ce", BOTH))])
    assert first_screen(made(), refuted, IMAGES)["key"][-1] == ("", "claims against the baseline: ✗ refuted; without a sign: no claim")
    of_others = settings(claims=[claim(("dfl", "dfl_sampler", BOTH))])
    assert "baseline" not in str(first_screen(made(), of_others, IMAGES)["key"]), "no card has a sign"


def test_others_stand_in_brackets_behind_the_confusion_of_the_baseline():
    shares = {"humans": 0.04, "x": 0.1}
    people = [{"pair": ["cat", "dog"], "confusion": share, "label": label, "source": "s"} for label, share in shares.items()]
    for references, said in (([], "class."), (people[:1], "class (humans: 4.0 %)."), (people, "class (humans: 4.0 %; x: 10.0 %).")):
        sentence = first_screen(made(), settings(references=references), IMAGES)["context"][0]
        assert sentence.endswith(f"of cat and dog images are called the other {said}")


@pytest.mark.parametrize(("seeds", "warned"), [(2, True), (5, True), (6, False)])
def test_too_few_seeds_are_one_warning_and_no_reason_in_a_row(seeds, warned):
    found = first_screen(made(seeds), settings(seeds), IMAGES)
    assert [warning for warning in found["warnings"] if "Claims are judged from 6 seeds on" in warning] == found["warnings"]
    assert len(found["warnings"]) == warned
    assert any(block["reason"] for block in found["blocks"]) != warned


@pytest.mark.parametrize(("classes", "limit"), [(100, 0.02), (10, 0.2), (2, 1 / 2 + 1 / 18)])
def test_nothing_is_learned_below_twice_chance_of_ten_classes(classes, limit):
    assert nothing_learned(limit - 1e-6, 1 / classes)
    assert not nothing_learned(limit + 1e-6, 1 / classes)


def test_variants_that_learned_nothing_are_named():
    assert "in every run" in first_screen(made(levels=dict.fromkeys(LEVELS, (0.11, 0.2))), settings(), IMAGES)["warnings"][0]
    [warning] = first_screen(made(levels=LEVELS | {"dfl": (0.11, 0.2)}), settings(), IMAGES)["warnings"]
    assert "in 10 of 10 runs of DFL: the accuracy is at most 1" in warning
    runs = made()
    runs.loc[(runs["variant"] == "ce") & (runs["seed"] == 3), "accuracy"] = 0.1
    [warning] = first_screen(runs, settings(), IMAGES)["warnings"]
    assert "in 1 of 10 runs of CE: the accuracy is at most 10.0 %, and chance level is 10.0 %." in warning
    assert first_screen(made(), settings(), IMAGES)["warnings"] == []


@pytest.mark.parametrize(
    ("confusion", "recognised", "warned"),
    [(-0.03, -0.05, True), (-0.03, 0.05, False), (0.03, -0.05, False), (-0.03, -0.002, False)],  # the last within the noise
)
def test_less_confusion_by_fewer_recognised_images_is_warned_of(confusion, recognised, warned):
    runs = made(levels=LEVELS | {"dfl": (0.63, 0.20 + confusion)})
    noise = np.random.default_rng(2).normal(0, 0.01, (2, len(runs)))
    for name, base, added in zip(("cat", "dog"), (0.4, 0.6), noise, strict=True):
        runs[f"accuracy:{name}"] = base + recognised * (runs["variant"] == "dfl") + added
    for contrast in (["dfl", "ce"], ["ce", "dfl"]):
        found = first_screen(runs, settings(contrasts=[contrast]), IMAGES)["warnings"]
        assert len(found) == warned
    if warned:
        shares = [100 * runs[runs["variant"] == name][["accuracy:cat", "accuracy:dog"]].to_numpy().mean() for name in ("dfl", "ce")]
        assert found[0] == (
            "In these runs, DFL confuses cat and dog less often than CE on average, but recognises fewer of them "
            f"({shares[0]:.1f} % against {shares[1]:.1f} %): it calls more of them a third class."
        )
    assert first_screen(runs, settings(contrasts=[["dfl_sampler", "ce"]]), IMAGES)["warnings"] == []


@pytest.mark.parametrize("third", [0, 300])
@pytest.mark.parametrize("pair", [["cat", "dog"], ["dog", "cat"]])
def test_images_of_classes_of_different_sizes_count_one_by_one(pair, third):
    """The mean accuracy of both classes falls; the number of images recognised only if some go to a third class."""
    runs, sizes = made(), IMAGES | {"cat": 1000, "dog": 20}
    recognised = {"ce": (800, 13), "dfl": (900 - third, 10)}
    confused = {"ce": 200 + 7, "dfl": 100 + 10}
    for place, name in enumerate(("cat", "dog")):
        runs[f"accuracy:{name}"] = [recognised.get(variant, (0, 0))[place] / sizes[name] for variant in runs["variant"]]
    runs[f"confusion:{'-'.join(pair)}"] = [confused.get(variant, 0) / 1020 for variant in runs["variant"]]
    warned = first_screen(runs, settings(pairs=[pair]), sizes)["warnings"]
    found = [warning for warning in warned if "third class" in warning]
    assert len(found) == (third > 0)
    if third:
        assert f"({100 * (610 / 1020):.1f} % against {100 * (813 / 1020):.1f} %): it calls more of them a third class." in found[0]


@pytest.mark.parametrize("seeds", [1, 2])
def test_far_fewer_recognised_images_are_warned_of_without_a_test(seeds):
    runs = made(seeds, levels=LEVELS | {"dfl": (0.4, 0.0)})
    for name in ("cat", "dog"):
        runs[f"accuracy:{name}"] = np.where(runs["variant"] == "dfl", 0.4 * runs["seed"], 0.9)
    warned = first_screen(runs, settings(seeds), IMAGES)["warnings"][-1]
    assert "confuses cat and dog less often than CE on average, but recognises fewer of them" in warned


def test_the_budget_names_the_networks():
    runs = made()
    assert first_screen(runs, settings(), IMAGES)["context"][-1] == "Budget: fake, 400 training images, 10 epochs, network cnn."
    of_dfl = runs["variant"] == "dfl"
    runs["network.kind"] = np.where(of_dfl, "torchvision", None)
    runs["network.name"] = np.where(of_dfl, "vgg11", None)
    runs.loc[runs["variant"] == "dfl_sampler", "network.kind"] = "resnet18"
    assert first_screen(runs, settings(), IMAGES)["context"][-1].endswith(", networks cnn, vgg11, resnet18.")


def test_of_very_many_seeds_some_are_drawn_with_the_extremes():
    runs = made(300)
    [seeds] = {len(cell["seeds"]) for block in first_screen(runs, settings(300), IMAGES)["blocks"] for cell in block["rows"][0]["cells"]}
    assert seeds == DOTS


def test_the_mean_of_what_is_no_part_of_a_claim_is_no_diamond(tmp_path):
    folder, about, images = reported(tmp_path, seeds=10)
    about["answer"] |= {"claims": [claim(("dfl", "ce", ["accuracy"]))]}
    fake_study.write_claims(folder, pd.read_csv(folder / "runs.csv"), about["answer"])
    text = render(folder, about, images)
    cards = text.partition('<ul class="cards"')[2].partition("</ul>")[0]
    assert cards.count('<span class="what">supported</span>') + cards.count('<span class="what">not settled</span>') == 1, "in words"
    _, *strips = text.split('<svg class="differences')
    assert [strip.partition('"')[0] for strip in strips] == ["", " pale"]
    strip, beside = (strip.partition('<span class="number')[0] for strip in strips)
    assert 'class="mean' in strip
    assert 'class="mean' not in beside
    key = strips[1].partition('<p class="key">')[2].partition("</p>")[0]
    assert 'class="beside"' in key
    assert "not part of the claim" in key


def test_without_claims_rows_are_contrasts():
    found = first_screen(made(), settings(claims=[]), IMAGES)
    assert not found["judged"]
    assert found["warnings"] == []
    [warning] = first_screen(made(2), settings(2, claims=[]), IMAGES)["warnings"]
    assert "a tendency, not a result" in warning
    assert len(found["blocks"][0]["rows"]) == 1


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A study of four claims, all of whose images are wrong in some run, as its page."""
    return written(tmp_path_factory.mktemp("study"), LEVELS)


def written(base, levels, published=None):
    folder, about, images = reported(base, seeds=10, images=200)
    measured = pd.read_csv(folder / "runs.csv").set_index(["variant", "seed", "model"])
    measured.update(made(levels=levels).assign(epochs=float("nan")).set_index(["variant", "seed", "model"]))
    for name in ("cat", "dog"):
        measured[f"accuracy:{name}"] = 0.9 - measured["confusion:cat-dog"]
    measured.reset_index().to_csv(folder / "runs.csv", index=False)
    people = {"pair": ["cat", "dog"], "confusion": 0.0383, "label": "humans", "source": "s"}
    about["answer"] |= {"claims": settings()["claims"], "references": [people]}
    fake_study.write_claims(folder, measured.reset_index(), about["answer"])
    if published:
        shares = {name: dict(zip(BOTH, published.get(name, (0.5, 0.5)), strict=True)) for name in levels}
        about["answer"] |= {"variants": [variant | {"published": shares[variant["name"]]} for variant in about["answer"]["variants"]]}
    page = base / "report.html"
    page.write_text(render(folder, about, images), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def browser():
    with open_page.browser() as chromium:
        yield chromium


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_all_of_the_answer_is_above_the_fold(browser, file, width, height, scheme):
    with open_page.opened(browser, file, width=width, scheme=scheme) as page:
        assert page.evaluate("document.querySelector('.axes').getBoundingClientRect().bottom") <= height
        boxes = page.evaluate("""() => [...document.querySelectorAll("h1, .context, .cards li, .claim, .chip, .differences, .number")]
            .map((element) => element.getBoundingClientRect()).map(({ left, right, top, bottom }) => [left, right, top, bottom])""")
        assert len(boxes) == 2 + 4 + 2 * 4 + 2 * 2 * 4
        cards = [" ".join(text.split()) for text in page.locator(".cards .large").all_text_contents()]
        assert sum(text.endswith(("confusion ? not settled", "confusion ✗ refuted")) for text in cards) == 2, "signs are behind the word"
        assert "against the baseline" in page.text_content(".key")
        assert all(left >= 0 and right <= width and 0 <= top < bottom <= height for left, right, top, bottom in boxes)
        sizes = "[...document.querySelectorAll('header *')].map((element) => parseFloat(getComputedStyle(element).fontSize))"
        assert min(page.evaluate(sizes)) >= 12
        confusion = page.locator("#comparison thead th").nth(1)
        assert "confusion" in confusion.text_content()
        assert confusion.bounding_box()["x"] + confusion.bounding_box()["width"] <= width


@needs_chromium
def test_strips_are_as_wide_as_their_axis_however_wide_numbers_are(browser, tmp_path):
    levels = LEVELS | {"ce": (0.95, 0.05), "dfl": (0.6258, 0.3742)}
    file = written(tmp_path, levels, {"ce": (0.9, 0.1), "dfl": (0.12, 0.88)})
    for width, _ in SCREENS:
        with open_page.opened(browser, file, width=width) as page:
            assert "publ. −78.0" in page.text_content(".claims")
            assert any(text.startswith("−32.") for text in page.locator(".number").all_text_contents())
            ends = """(selector) => [...document.querySelectorAll(selector)].map((element) => element.getBoundingClientRect())
                .map(({ left, right }) => [left, right])"""
            axes, strips = (np.array(page.evaluate(ends, selector)) for selector in (".axes svg", ".differences"))
            assert len(strips) == 2 * 4
            for column in (0, 1):
                np.testing.assert_allclose(strips[column::2], np.tile(axes[column], (4, 1)), atol=0.05)
            assert page.evaluate("[...document.querySelectorAll('.number')].filter((each) => each.scrollWidth > each.clientWidth)") == []


@needs_chromium
@pytest.mark.parametrize(("width", "scheme", "inside"), [(SCREENS[0][0], "light", False), (SCREENS[1][0], "dark", True)])
def test_axe_finds_no_violation(browser, file, width, scheme, inside):
    page = open_page.new_page(browser, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((element) => (element.open = true))")
    if inside:
        page.locator(".card").first.click()
    found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()
    page.context.close()


@needs_chromium
def test_what_is_printed_is_complete(browser, file):
    with open_page.opened(browser, file, width=794, scheme="dark") as page:  # A4 at 96 dpi
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        page.evaluate("document.querySelector('#explorer').remove()")
        assert page.evaluate(open_page.FAINT) == []
        hidden = """() => [...document.querySelectorAll("main details *")]
            .filter((element) => element.textContent.trim() && !element.closest("#explorer"))
            .filter((element) => !element.checkVisibility({ contentVisibilityAuto: true }))
            .map((element) => element.outerHTML.slice(0, 80))"""
        assert page.evaluate(hidden) == []
        clipped = """() => [...document.querySelectorAll("main *, header *")]
            .filter((element) => !element.closest("#explorer, .unseen, svg") && element.getBoundingClientRect().right > innerWidth + 1)
            .map((element) => element.outerHTML.slice(0, 80))"""
        assert page.evaluate(clipped) == []


@needs_chromium
def test_an_image_in_detail_is_not_cut_on_a_phone(browser, file):
    with open_page.opened(browser, file, width=390) as page:
        cut = "(element) => element.clientWidth && element.scrollWidth > element.clientWidth + 1"
        assert page.evaluate(f"[...document.querySelectorAll('.card *')].filter({cut}).map((element) => element.outerHTML)") == []
        sizes = "[...document.querySelectorAll('#explorer *')].map((element) => parseFloat(getComputedStyle(element).fontSize))"
        assert min(page.evaluate(sizes)) >= 12
        page.locator(".card").first.click()
        table = page.locator("dialog .scroll").first
        assert table.evaluate("element => element.scrollWidth - element.clientWidth") == 0
        assert "Wrong runs" in table.evaluate("element => getComputedStyle(element.querySelectorAll('td')[2], '::before').content")
