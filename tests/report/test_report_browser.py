"""The report in a real browser, by mouse and by keyboard, against what NumPy computes from the predictions."""

import itertools

import numpy as np
import pytest
from playwright.sync_api import expect

import fake_study
import open_page
from explored_page import CAT, DOG, EVIL, NAMES, SEEDS, VARIANTS, choose, confused, listed, written

pytestmark = pytest.mark.skipif(open_page.CHROMIUM is None, reason="needs chromium: apt-get install chromium")


@pytest.mark.parametrize(
    ("sort", "variants"),
    [("wrong", NAMES), ("wrong", ["ce_sampler"]), ("p", ["ce", "dfl"]), ("disagree", NAMES)],
)
def test_images_come_in_the_selected_order(page, study, sort, variants):
    _, p, called, labels, _ = study
    choose(page, variants, sort=sort)
    chosen = [NAMES.index(name) for name in variants]
    images = listed(page)
    assert sorted(images) == np.flatnonzero(confused(called[chosen], labels)).tolist()
    assert page.text_content("#explorer-count") == f"{len(images)} images that at least one run calls the other of cat and dog"
    means = p[chosen].mean(1)
    wrong, mean, spread = (called[chosen] != labels).sum((0, 1)), means.mean(0), means.max(0) - means.min(0)
    errors = (((labels == CAT) & (called[chosen] == DOG)) | ((labels == DOG) & (called[chosen] == CAT))).sum((0, 1))
    leading = {"wrong": -errors, "p": mean, "disagree": -spread}[sort][images]
    assert (np.diff(leading) > -1e-4).all()  # means are stored in steps of 1/65535
    if sort == "wrong":
        tied = np.diff(errors[images]) == 0
        assert (np.diff(wrong[images])[tied] <= 0).all()
        tied &= np.diff(wrong[images]) == 0
        assert (np.diff(mean[images])[tied] > -1e-4).all()
        choose(page, variants, a="-1", b="-1")
        assert (np.diff(wrong[listed(page)]) <= 0).all()


@pytest.mark.parametrize(("change", "name"), [("fixed", "dfl"), ("broken", "ce_sampler")])
def test_what_a_variant_fixes_or_breaks(page, study, change, name):
    _, _, called, labels, _ = study
    choose(page, ["ce", name], show=f"{change}:{name}", a="-1", b="-1")
    wrong = (called != labels).sum(1)
    base, other = wrong[0], wrong[NAMES.index(name)]
    was, now = (base, other) if change == "fixed" else (other, base)
    expected = np.flatnonzero((was > SEEDS / 2) & (now < SEEDS / 2))
    assert len(expected) > 2
    assert sorted(listed(page)) == expected.tolist()
    choose(page, [name], a=str(CAT), b=str(DOG))
    confused_ = confused(called[[0, NAMES.index(name)]], labels)
    assert sorted(listed(page)) == [image for image in expected if confused_[image]]


def test_any_class_is_a_choice(page, study):
    _, _, called, labels, _ = study
    choose(page, a="-1", b=str(DOG))
    expected = ((called != labels) & ((labels == DOG) | (called == DOG))).any((0, 1))
    assert sorted(listed(page)) == np.flatnonzero(expected).tolist()
    choose(page, way="called")
    assert sorted(listed(page)) == np.flatnonzero(((called == DOG) & (labels != DOG)).any((0, 1))).tolist()
    choose(page, a=str(DOG), b="-1")
    assert sorted(listed(page)) == np.flatnonzero(((called != labels) & (labels == DOG)).any((0, 1))).tolist()
    for way in ("called", "both"):
        choose(page, a="-1", way=way)
        assert sorted(listed(page)) == np.flatnonzero((called != labels).any((0, 1))).tolist()


def test_pictures_are_those_of_the_images(page, study):
    images = study[4]
    choose(page, sort="disagree")
    page.evaluate("() => Promise.all([...sheets.values()])")
    for card in page.locator(".card").all()[::7]:
        pixels = card.locator("canvas").evaluate("c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]")
        shown = np.array(pixels, np.uint8).reshape(16, 16, 4)
        np.testing.assert_array_equal(shown[..., :3], images[int(card.get_attribute("data-image"))].transpose(1, 2, 0))
        assert (shown[..., 3] == 255).all()


def test_a_view_survives_reload_and_the_way_back(browser, study):
    with open_page.opened(browser, study[0]) as page:
        choose(page, ["ce", "dfl"], a="-1", way="called", b="-1", sort="p", show="broken:dfl")
        images = listed(page)
        page.locator(".card").nth(1).click()
        link = page.evaluate("location.hash")  # page.url may lag behind
        page.reload()
        assert page.locator("dialog").is_visible()
        assert f"Image {images[1]}," in page.text_content("#explorer-title")
        shown = f"The image, of class {fake_study.CLASSES[study[3][images[1]]]}"
        assert page.locator("dialog canvas[role=img]").get_attribute("aria-label") == shown
        page.keyboard.press("Escape")
        page.wait_for_url(lambda url: "image=" not in url)
        assert listed(page) == images
        assert [page.locator(f"#explorer-{key}").input_value() for key in ("way", "sort")] == ["called", "p"]
        assert page.locator("#explorer-variants input").evaluate_all("all => all.map(box => box.checked)") == [True, True, False]
        expect(page.locator(".card:focus")).to_have_attribute("data-image", str(images[1]))
    with open_page.opened(browser, study[0], link) as other_page:
        assert f"Image {images[1]}," in other_page.text_content("#explorer-title")


def test_links_to_sections_leave_the_view_as_it_is(page):
    choose(page, ["ce", "ce_sampler"], a="-1", show="fixed:ce_sampler", sort="p")
    text, images = page.text_content("#explorer-count"), listed(page)
    followed = "link => new Promise(done => { addEventListener('hashchange', done, { once: true }); link.click(); })"
    for link in (".skip", "nav a[href='#figures']"):
        page.locator(link).evaluate(followed)
        assert page.evaluate("location.hash") == page.get_attribute(link, "href")
        assert page.text_content("#explorer-count") == text
        assert listed(page) == images
        assert page.locator("#explorer-variants input").evaluate_all("all => all.map(box => box.checked)") == [True, False, True]


def test_a_link_that_makes_no_sense_shows_the_first_view(browser, study):
    with open_page.opened(browser, study[0], "#explorer?a=wolf&v=none&sort=__proto__&show=fixed:x&image=-3&b=%3Cb%3E") as page:
        assert [page.locator(f"#explorer-{key}").input_value() for key in ("a", "b", "sort", "show")] == ["3", "5", "wrong", "all"]
        assert not page.locator("dialog").is_visible()


def test_the_keyboard_is_enough(page, study):
    page.focus("#explorer-sort")
    page.keyboard.press("ArrowDown")
    assert page.locator("#explorer-sort").input_value() == "p"
    for _ in NAMES:
        page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the last variant is no longer chosen
    assert "ce_sampler" not in page.evaluate("location.hash")
    page.keyboard.press("Tab")
    shown = page.eval_on_selector_all(".card", "cards => cards.map(card => Number(card.dataset.image))")
    focused = "Number(document.activeElement.dataset.image)"
    assert page.evaluate(focused) == shown[0]
    columns = page.evaluate("getComputedStyle(document.querySelector('#explorer-list')).gridTemplateColumns.split(' ').length")
    for key, place in [("ArrowRight", 1), ("ArrowDown", 1 + columns), ("ArrowLeft", columns), ("ArrowUp", 0), ("ArrowUp", 0)]:
        page.keyboard.press(key)
        assert page.evaluate(focused) == shown[place], key
    page.keyboard.press("Enter")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("ArrowRight")
    assert f"Image {shown[1]}," in page.text_content("#explorer-title")
    page.focus("text=Next")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert f"Image {shown[3]}," in page.text_content("#explorer-title"), "the button keeps the focus"
    page.keyboard.press("Escape")
    expect(page.locator(".card:focus")).to_have_attribute("data-image", str(shown[3]))
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("[...document.querySelectorAll('.card')].indexOf(document.activeElement)") == len(shown), "more are shown"
    assert listed(page)[: len(shown)] == shown


def test_steps_keep_the_table_of_runs_open_and_leave_keys_of_the_browser_alone(page):
    page.locator(".card").first.click()
    title = page.text_content("#explorer-title")
    for key in ("Control+ArrowRight", "Alt+ArrowRight", "Meta+ArrowRight"):
        page.keyboard.press(key)
        assert page.text_content("#explorer-title") == title, key
    page.focus("dialog summary")
    for keys, opened in ((["ArrowRight"], False), (["Enter", "ArrowRight", "ArrowLeft"], True)):
        for key in keys:
            page.keyboard.press(key)
        assert page.evaluate("document.querySelector('dialog details').open") == opened
        assert page.evaluate("document.activeElement.matches('dialog summary')")
    page.get_by_role("button", name="Previous").click()
    assert page.text_content("#explorer-title") == title
    assert page.evaluate("document.querySelector('dialog details').open")


def test_one_image_in_detail(page, study):
    _, p, called, labels, _ = study
    page.locator(".card").nth(2).click()
    image = int(page.text_content("#explorer-title").split()[1].strip(","))
    rows = page.locator("dialog table").first.locator("tbody tr")
    for place in range(len(NAMES)):
        cells = rows.nth(place).locator("th, td").all_text_contents()
        assert cells[0].strip().startswith(VARIANTS[place]["label"])
        assert abs(float(cells[2]) - p[place, :, image].mean()) < 6e-4
        assert cells[3] == f"{(called[place, :, image] != labels[image]).sum()} of {SEEDS}"
        dots = rows.nth(place).locator("circle")
        assert dots.count() == SEEDS
        for seed in range(SEEDS):
            assert abs((float(dots.nth(seed).get_attribute("cx")) - 6) / 228 - p[place, seed, image]) < 0.003
            assert dots.nth(seed).get_attribute("class") == ("right" if called[place, seed, image] == labels[image] else "wrong")
    page.click("dialog summary")
    cells = page.locator("dialog details tbody tr").nth(1).locator("td").all_text_contents()
    for place, cell in enumerate(cells):
        share, name = cell.split(" ")
        assert abs(float(share) - p[place, 1, image]) < 0.008
        assert name == fake_study.CLASSES[called[place, 1, image]]


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "dark"), (1600, "light")])
def test_every_width_and_both_lights(browser, study, width, scheme):
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    with open_page.opened(browser, study[0], width=width, scheme=scheme) as page:
        if width >= 1280:
            assert page.evaluate("(t => t.scrollWidth - t.clientWidth)(document.querySelector('#comparison .scroll'))") == 0
        page.evaluate("document.querySelectorAll('details').forEach((element) => (element.open = true))")
        for inside in (False, True):
            if inside:
                page.locator(".card").first.click()
                page.click("dialog summary")
            assert page.evaluate(wide) == 0
            assert page.evaluate(open_page.UNNAMED) == []
            assert page.evaluate(open_page.FAINT) == []
            levels = page.evaluate(open_page.HEADINGS)
            assert levels[0] == 1
            assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
            assert levels.count(1) == 1
            assert page.evaluate(open_page.TWICE) == page.evaluate(open_page.BARE_CELLS) == []


def test_a_pair_that_nobody_confuses_gives_way_to_the_most_confused_one(browser, tmp_path):
    file, _, called, labels, _ = written(tmp_path, 1, 100)
    a, b = next((a, b) for a, b in itertools.combinations(range(10), 2) if not confused(called, labels, a, b).any())
    text = file.read_text()
    start = text.index('"pair":[')
    file.write_text(f'{text[:start]}"pair":[{a},{b}]{text[text.index("]", start) + 1 :]}')
    shares = np.array([[(called[..., labels == one] == other).mean() for other in range(10)] for one in range(10)])
    both = np.triu(shares + shares.T, 1)
    with open_page.opened(browser, file) as page:
        assert "of 3 runs" in page.locator(".card small").first.text_content()
        choose(page, ["ce"])
        assert " the run calls the other of " in page.text_content("#explorer-count")
        assert "runs" not in page.locator(".card small").first.text_content()
        shown = tuple(int(page.locator(f"#explorer-{key}").input_value()) for key in ("a", "b"))
        assert both[shown] == pytest.approx(both.max())
        assert page.locator(".card").count() > 0


def test_the_first_stop_skips_to_the_images(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") > 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('#explorer').contains(document.activeElement)")


def test_names_stay_text(page):
    assert EVIL in page.text_content("#explorer-variants")
    choose(page, show="fixed:dfl")
    assert f"fixed by {EVIL}" in page.text_content("#explorer-count")
    page.locator(".card").first.click()
    assert EVIL in page.text_content("dialog")
    assert page.locator("#explorer img").count() == 0
