"""A report whose explorer has images to show, and what tests do with it in a browser."""

import numpy as np
from scipy.special import softmax

import fake_study
from hardpair.report.page import render
from reported_study import reported

EVIL = '<img src=x onerror="alert(1)"> & CE'
VARIANTS = [variant | ({"label": EVIL} if variant["name"] == "dfl" else {}) for variant in fake_study.STUDY[:3]]
NAMES, SEEDS = [variant["name"] for variant in VARIANTS], 4
CAT, DOG = 3, 5


def written(base, seeds, images):
    """The page's file, and of all runs p_t and called classes (V, S, N), labels and images."""
    folder, settings, images = reported(base, seeds=seeds, images=images, variants=VARIANTS)
    file = base / "report.html"
    file.write_text(render(folder, settings, images), encoding="utf-8")
    arrays = [[np.load(folder / f"runs/{name}/seed{seed}/predictions.npz") for seed in range(seeds)] for name in NAMES]
    logits = np.array([[run["last"] for run in runs] for runs in arrays], float)
    labels = arrays[0][0]["labels"]
    p = np.take_along_axis(softmax(logits, -1), np.broadcast_to(labels, logits.shape[:3])[..., None], -1)[..., 0]
    return file, p, logits.argmax(-1), labels, images


def listed(page):
    """Indices of all images of the view, in its order."""
    while page.locator("#explorer-more").is_visible():
        page.click("#explorer-more")
    return page.eval_on_selector_all(".card", "cards => cards.map(card => Number(card.dataset.image))")


def choose(page, variants=NAMES, **values):
    for key, value in values.items():
        page.select_option(f"#explorer-{key}", value)
    for name, box in zip(NAMES, page.locator("#explorer-variants input").all(), strict=True):
        box.set_checked(name in variants)


def confused(called, labels, a=CAT, b=DOG):
    """Which images (N,) any of these runs (V, S, N) takes from one of two classes for the other."""
    return (((labels == a) & (called == b)) | ((labels == b) & (called == a))).any((0, 1))
