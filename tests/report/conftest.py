import pytest

import open_page
from explored_page import SEEDS, written


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The page's file, and of all runs p_t and called classes (V, S, N), labels and images."""
    base = tmp_path_factory.mktemp("study")
    return written(base, SEEDS, 600)


@pytest.fixture(scope="module")
def browser():
    with open_page.browser() as chromium:
        yield chromium


@pytest.fixture
def page(browser, study):
    with open_page.opened(browser, study[0]) as opened:
        yield opened
