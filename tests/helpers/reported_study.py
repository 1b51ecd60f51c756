"""A study that was never trained, with all that its report is made of."""

from pathlib import Path

import numpy as np

import fake_study
from hardpair.config.resolve import resolve
from hardpair.figures import catalogue

FINAL = catalogue.FIGURES[catalogue.FINAL].settings
FIGURES = [
    {"name": "final", "title": "The study", "caption": "What <b>was</b> found."},
    {"name": "search", "title": "Search", "caption": "How."},
]


def reported(
    folder: Path,
    seeds: int = 3,
    images: int = 100,
    variants: list[dict] = fake_study.STUDY,
    classes: list[str] = fake_study.CLASSES,
    **changes,
):
    """Writes a finished study into ``folder``; its results' folder, the settings of its report, and the images."""
    pair = [classes[3], classes[5]]  # cat and dog
    of_figures = fake_study.settings(variants=variants, seeds=seeds, pairs=[pair])
    fake_study.write_study(folder, of_figures, epochs=4, images=images, classes=classes)
    (folder / "results" / "figures").mkdir()
    for figure in FIGURES:
        drawing = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"><text y="20">{figure["name"]}</text></svg>'
        for suffix in (".svg", ".png"):
            (folder / "results" / "figures" / f"{figure['name']}{suffix}").write_text(drawing)
    about = {"data": "cifar10", "pair": ["cat", "dog"]}
    declared = [
        variant | ({"published": variant["published"] | about} if "published" in variant else {}) for variant in of_figures["variants"]
    ]
    config = resolve(
        {"study": "fake", "data": {"kind": "cifar10", "name": "fake"}, "variants": declared, "baseline": "ce", "seeds": of_figures["seeds"]}
    )
    config |= {"evaluate": {"images": "test"}} | changes
    settings = {
        "config": config,
        "figures": FIGURES,
        "pairs": [pair],
        "references": [],
        "searches": of_figures["searches"],
        "answer": {key: of_figures[key] for key in FINAL},
        "commands": ["snakemake --cores 4", "python x.py --y '<z>'"],
    }
    return folder / "results", settings, np.load(folder / "data" / "test" / "images.npy")
