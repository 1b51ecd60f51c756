"""The tables of the explorer in a real browser: the confusion matrix, and what a variant changed."""

import itertools

import numpy as np
import pytest

import fake_study
import open_page
from explored_page import CAT, DOG, NAMES, SEEDS, confused, listed

pytestmark = pytest.mark.skipif(open_page.CHROMIUM is None, reason="needs chromium: apt-get install chromium")


def test_an_error_of_the_matrix_opens_its_images(page, study):
    _, _, called, labels, _ = study
    for place, name in enumerate(NAMES):
        page.select_option("#explorer-of", str(place))
        cells = page.locator("#explorer-matrix tbody tr").all()
        for label in (CAT, 8):
            expected = [100 * (called[place][:, labels == label] == other).mean() for other in range(10)]
            shown = [float(text) for text in cells[label].locator("td").all_text_contents()]
            np.testing.assert_allclose(shown, expected, atol=0.05 + 1e-9, err_msg=name)
    page.click(f"#explorer-matrix tbody tr:nth-child({CAT + 1}) td:nth-child({DOG + 2}) button")
    assert [page.locator(f"#explorer-{key}").input_value() for key in ("a", "way", "b", "show")] == [str(CAT), "called", str(DOG), "all"]
    assert page.evaluate("document.activeElement.matches('.card')")
    expected = np.flatnonzero(((labels == CAT) & (called[-1] == DOG)).any(0)).tolist()
    assert 0 < len(expected) < confused(called[-1:], labels).sum() < confused(called, labels).sum()
    assert sorted(listed(page)) == expected, "of this variant, in this direction"
    assert page.text_content("#explorer-count") == f"{len(expected)} images of cat that at least one run calls dog"


def test_the_matrix_has_one_stop_and_arrow_keys(page):
    buttons = page.locator("#explorer-matrix button")
    assert page.locator('#explorer-matrix button[tabindex="0"]').count() == 1
    buttons.first.focus()
    for key, back in (("ArrowRight", "ArrowLeft"), ("ArrowDown", "ArrowUp")):
        page.keyboard.press(key)
        assert not buttons.first.evaluate("button => button === document.activeElement")
        assert page.evaluate("document.activeElement.tabIndex") == 0, "Tab leaves the matrix from here and comes back to here"
        assert page.locator('#explorer-matrix button[tabindex="0"]').count() == 1
        page.keyboard.press(back)
        assert buttons.first.evaluate("button => button === document.activeElement")
    page.keyboard.press("ArrowUp")
    assert buttons.first.evaluate("button => button === document.activeElement"), "the edge is the end"
    assert page.locator('#explorer-matrix button[tabindex="0"]').count() == 1


def test_what_a_variant_changed_is_a_table_that_sorts_and_opens(page, study):
    _, _, called, labels, _ = study
    page.click("#explorer-changed summary")
    page.select_option("#explorer-by", str(NAMES.index("ce_sampler")))
    wrong = 2 * (called != labels).sum(1)
    before, after = wrong[0], wrong[NAMES.index("ce_sampler")]
    kinds = {"fixed": (before > SEEDS) & (after < SEEDS), "broken": (before < SEEDS) & (after > SEEDS)}
    names = fake_study.CLASSES
    expected = {}
    for a, b in itertools.combinations(range(10), 2):
        either = confused(called[[0, NAMES.index("ce_sampler")]], labels, a, b)
        fixed, broken = ((either & kinds[kind]).sum() for kind in kinds)
        if fixed or broken:
            expected[f"{names[a]} and {names[b]}"] = (fixed, broken, fixed - broken)

    page.set_viewport_size({"width": 390, "height": 844})
    sizes = "[document.querySelector('#explorer-changes').scrollWidth, document.querySelector('#explorer-changes').clientWidth]"
    scrolled, width = page.evaluate(sizes)
    assert scrolled <= width, "all columns are seen on a phone"
    page.set_viewport_size({"width": 1280, "height": 900})

    def rows():
        lines = page.locator("#explorer-changes tbody tr").all()
        texts = [[text.replace("\u2212", "-") for text in line.locator("th, td").all_text_contents()] for line in lines]
        return {name: tuple(map(int, numbers)) for name, *numbers in texts}

    assert rows() == expected
    assert len(expected) > 3
    for column, title in enumerate(("Fixed", "Newly wrong", "Gain")):
        page.get_by_role("button", name=title, exact=True).click()
        assert page.evaluate("document.activeElement.textContent") == title
        order = page.locator("#explorer-changes th[aria-sort]").get_attribute("aria-sort")
        values = [row[column] for row in rows().values()]
        assert values == sorted(values, reverse=order == "descending")
        assert order == "descending", "as each column is at first"
    page.get_by_role("button", name="Gain", exact=True).click()
    assert [gain for *_, gain in rows().values()] == sorted(gain for *_, gain in expected.values())
    opened = {name: (fixed, broken) for name, (fixed, broken, _) in expected.items() if fixed and broken}
    assert opened
    for name, counts in opened.items():
        for place, (count, words) in enumerate(zip(counts, ("fixed by", "newly wrong with"), strict=True)):
            page.locator("#explorer-changes tbody tr", has_text=name).locator("button").nth(place).click()
            assert page.text_content("#explorer-count").endswith(f"{words} CE + FocalSampler")
            assert len(listed(page)) == count, "whichever variants are chosen"
