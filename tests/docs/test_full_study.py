"""The records of the study at full length are runs of the study that full.yaml declares, and its page shows their results."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from hardpair.config.resolve import resolve
from hardpair.config.written import overlaid
from hardpair.data.split import split_indices
from hardpair.files.atomic import write_json
from hardpair.staleness.run_difference import Expected, OlderCode
from hardpair.study import adoption
from workspace import PROJECT

FULL = PROJECT / "docs/study/full"
COMMIT, TRAINING_IMAGES = "1d73714cb47d82faed210c94190346ccfcfe352b", 50_000
CAT, DOG = 3, 5
HALF = 0.0051  # of the last digit
NUMBERS = dict(enumerate("zero one two three four five six seven eight nine ten".split()))
RECORDS = sorted(path.parent for path in (FULL / "records").rglob("run.json"))
VARIANTS = ("ce", "dfl", "ce_fast", "ce_sampler", "dfl_sampler")
SEEDS = sorted(set(pd.read_csv(FULL / "runs_test.csv")["seed"]))  # of the page; more may be complete since


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """The split of CIFAR-10 that full.yaml declares: a random one, for which labels do not matter."""
    training, validation = split_indices(np.zeros(TRAINING_IMAGES, np.int64), None, 10_000, "random")
    data = json.loads((RECORDS[0] / "run.json").read_text())["data"]["sha256"]
    path = tmp_path_factory.mktemp("full") / "split.json"
    write_json(path, {"data_sha256": data, "training": training.tolist(), "validation": validation.tolist()})
    return path


@pytest.fixture(scope="module")
def older():
    return OlderCode(COMMIT)


@pytest.mark.parametrize("evaluated_on", ["validation", "test"])
@pytest.mark.parametrize("folder", RECORDS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_each_record_is_of_a_declared_run(split, older, folder, evaluated_on):
    config = resolve(overlaid(*(yaml.safe_load(path.read_text()) for path in (PROJECT / "config/config.yaml", FULL / "full.yaml"))))
    config["evaluate"] = {"images": evaluated_on}
    recipes = {variant["name"]: config["recipe"] for variant in config["variants"]}
    assert adoption.refusal(folder, Expected(config, recipes, split), older) is None
    assert folder.parent.name in [variant["name"] for variant in config["variants"]]


def test_the_page_shows_what_comes_out_of_the_records(tmp_path):
    shutil.copy(FULL / "README.md", tmp_path)
    script = [sys.executable, PROJECT / "benchmarks/full_study.py", tmp_path, "--seeds", *map(str, SEEDS)]
    subprocess.run(script, check=True, capture_output=True)
    assert (tmp_path / "README.md").read_text() == (FULL / "README.md").read_text()
    for name in [f"{table}_{images}.csv" for table in ("runs", "comparison") for images in ("validation", "test")]:
        ours, written = (pd.read_csv(folder / name) for folder in (tmp_path, FULL))
        pd.testing.assert_frame_equal(ours, written, rtol=1e-9)


def test_the_page_states_how_many_seeds_it_shows():
    assert f"{NUMBERS[len(SEEDS)]} of ten seeds are complete" in (FULL / "README.md").read_text()


@pytest.mark.parametrize("images", ["validation", "test"])
def test_the_tables_of_the_page_are_those_of_a_plain_loop_over_the_records(images):
    """Accuracy and confusion of the last epoch, from the predicted classes, and their paired differences."""
    rows = [line.split(" | ") for line in section(images).splitlines() if line.startswith("| ") and " ± " in line]
    measured = {}
    for name, row in zip(VARIANTS, rows, strict=True):
        each = []
        for seed in SEEDS:
            kept = np.load(FULL / f"records/{name}/seed{seed}/predictions_{images}.npz")
            labels, called = kept["labels"], kept["last_class"]
            pair = np.isin(labels, (CAT, DOG))
            each.append(((labels == called).mean() * 100, ((called == CAT + DOG - labels) & pair).sum() / pair.sum() * 100))
        measured[name] = np.array(each)
        values, spread = measured[name].mean(0), measured[name].std(0, ddof=1)
        assert numbers(*row[1:3]) == pytest.approx([values[0], spread[0], values[1], spread[1]], abs=HALF)
        if name != "ce":
            assert [numbers(cell)[0] for cell in row[3:5]] == pytest.approx((measured[name] - measured["ce"]).mean(0), abs=HALF)


def numbers(*cells: str) -> list[float]:
    """The numbers in cells of a table."""
    return [float(number) for cell in cells for number in re.findall(r"[-+]?\d+\.\d+", cell)]


def section(images: str) -> str:
    """The page's table of the last epoch on these images."""
    return re.search(rf"## On {images} images\n\n### Last epoch\n(.*?)\n### ", (FULL / "README.md").read_text(), re.DOTALL)[1]
