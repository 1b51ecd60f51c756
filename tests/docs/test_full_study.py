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
from PIL import Image
from scipy import stats

from benchmark_scripts import load
from hardpair.config.resolve import resolve
from hardpair.config.written import overlaid
from hardpair.measures.looks import thresholds
from hardpair.staleness.run_difference import Expected, OlderCode
from hardpair.study import adoption
from page_tables import IN_WORDS, numbers, rows_of
from workspace import PROJECT

FULL = PROJECT / "docs/study/full"
COMMIT = "1d73714cb47d82faed210c94190346ccfcfe352b"
CODE = {  # hashes of that commit's training code
    "ce": "5041b8740bd1f06d",
    "dfl": "54f6352c5f4973e2",
    "ce_fast": "5041b8740bd1f06d",
    "ce_sampler": "84fe59e83cb0be4b",
    "dfl_sampler": "84f6d4bc25044a25",
}
CIFAR10 = "2e3288538a434948e34e92d299453662c52aa7783e5f79ae781cd92e4cdd40cb"  # SHA-256 of the prepared images
CAT, DOG = 3, 5
HALF = 0.0051  # of the last digit
RECORDS = sorted(path.parent for path in (FULL / "records").rglob("run.json"))
VARIANTS = ("ce", "dfl", "ce_fast", "ce_sampler", "dfl_sampler")
SEEDS = sorted(set(pd.read_csv(FULL / "runs_test.csv")["seed"]))  # of the page; more may be complete since


full_study = load("full_study")


def declared(evaluated_on: str) -> dict:
    """The study's config, read without the functions that the script reads it by."""
    config = resolve(overlaid(*(yaml.safe_load(path.read_text()) for path in (PROJECT / "config/config.yaml", FULL / "full.yaml"))))
    return config | {"evaluate": {"images": evaluated_on}}


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """The split of CIFAR-10 that full.yaml declares."""
    path = tmp_path_factory.mktemp("full") / "split.json"
    full_study.write_split(path, CIFAR10, declared("validation"))
    return path


@pytest.fixture(scope="module")
def older():
    return OlderCode(COMMIT)


@pytest.mark.parametrize("evaluated_on", ["validation", "test"])
@pytest.mark.parametrize("folder", RECORDS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_each_record_is_of_a_declared_run(split, older, folder, evaluated_on):
    config = declared(evaluated_on)
    recipes = {variant["name"]: config["recipe"] for variant in config["variants"]}
    assert adoption.refusal(folder, Expected(config, recipes, split), older) is None
    run = json.loads((folder / "run.json").read_text())
    assert (run["variant"], f"seed{run['seed']}") == (folder.parent.name, folder.name)
    assert (run["code"], run["data"]["sha256"]) == (CODE[run["variant"]], CIFAR10)


def test_the_page_shows_what_comes_out_of_the_records(tmp_path):
    """All of it but fingerprints, which differ with the present code of training."""
    shutil.copy(FULL / "README.md", tmp_path)
    script = [sys.executable, PROJECT / "benchmarks/full_study.py", tmp_path, "--seeds", *map(str, SEEDS)]
    subprocess.run(script, check=True, capture_output=True)
    assert (tmp_path / "README.md").read_text() == (FULL / "README.md").read_text()
    for name in [f"{table}_{images}.csv" for table in ("runs", "comparison") for images in ("validation", "test")]:
        ours, written = (pd.read_csv(folder / name).drop(columns="fingerprint", errors="ignore") for folder in (tmp_path, FULL))
        pd.testing.assert_frame_equal(ours, written, rtol=1e-9)
    for name in ("final_validation.png", "final_test.png"):
        ours, shown = (np.asarray(Image.open(folder / name).convert("L"), int) for folder in (tmp_path, FULL))
        assert ours.shape == shown.shape, "another figure"
        assert (abs(ours - shown) > 64).mean() < 0.002, "another figure; its footer, which has the code, may differ"


@pytest.mark.parametrize(
    ("harm", "seeds", "reason"),
    [
        (lambda records: (records / "ce/seed10/history.npz").unlink(), ["10"], "ce/seed10: not imported, history.npz is missing"),
        (lambda records: (records / "ce/seed10/metrics_test.json").write_text("{}"), ["10"], "ce/seed10: not imported, "),
        (lambda records: (records / "dfl/seed10/run.json").unlink(), ["10"], "has all variants of these seeds only: none"),
        (lambda records: None, ["10", "19"], "has all variants of these seeds only: 10\n"),
    ],
)
def test_records_that_do_not_fit_are_refused_and_nothing_is_written(tmp_path, harm, seeds, reason):
    shutil.copy(FULL / "README.md", tmp_path)
    for name in VARIANTS:
        shutil.copytree(FULL / f"records/{name}/seed10", tmp_path / f"records/{name}/seed10")
    harm(tmp_path / "records")
    script = [sys.executable, PROJECT / "benchmarks/full_study.py", tmp_path, "--records", tmp_path / "records", "--seeds", *seeds]
    done = subprocess.run(script, capture_output=True, text=True)
    assert done.returncode == 1
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "records"}
    assert (tmp_path / "README.md").read_text() == (FULL / "README.md").read_text()


def test_the_config_declares_what_is_registered():
    """Claims, seeds, looks, thresholds and margins of full.yaml, read from the text of registration.md."""
    text, config = (FULL / "registration.md").read_text(), declared("validation")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if re.match(r"\| \d\. ", line)]
    claims = [claim for claim in config["claims"] if not claim["control"]]
    assert [row[0].split(". ")[1] + "." for row in rows] == [claim["sentence"] for claim in claims]
    for (_, parts), claim in zip(rows, claims, strict=True):
        found = [part.split(": ") for part in parts.split("; ")]
        for measure, comparison in found:
            first, sign, second = comparison.replace("`", "").split()
            better, than = (first, second) if (sign == ">") == (measure == "accuracy") else (second, first)
            [contrast] = claim["contrasts"]
            assert (contrast["better"], contrast["than"]) == (better, than)
        assert contrast["measures"] == [measure for measure, _ in found]
    controls = [contrast for claim in config["claims"] if claim["control"] for contrast in claim["contrasts"]]
    assert "`dfl` against `ce_fast` in both measures" in text
    assert sorted((part["better"], part["than"], *part["measures"]) for part in controls) == [
        ("dfl", "ce_fast", "accuracy"),
        ("dfl", "ce_fast", "confusion"),
    ]
    looks, p = (numbers(*re.search(rf"^\| {name} \|(.*)\|$", text, re.MULTILINE)[1].split("|")) for name in ("seeds", "p"))
    assert config["looks"] == looks
    assert thresholds(tuple(config["looks"]), 0.05 / len(claims)) == tuple(p)
    margins = re.search(r"Margins: ([\d.]+) percentage points of accuracy, ([\d.]+) of confusion", text)
    assert config["compare"]["margins"] == {"accuracy": float(margins[1]), "confusion": float(margins[2])}
    assert "10, 11, …, 19" in text
    assert config["seeds"] == list(range(10, 20))


def test_the_page_has_claims_on_validation_images_alone_and_names_their_registration():
    text = (FULL / "README.md").read_text()
    assert text.count("### Claims") == 1
    assert text.index("## On validation images") < text.index("### Claims") < text.index("## On test images")
    assert "declared in [registration.md](registration.md) before any run had ended" in text


def test_the_registration_was_committed_before_the_first_record():
    def first_commit(path: str) -> int:
        git = ["git", "log", "--format=%ct", "--diff-filter=A", "--", path]
        done = subprocess.run(git, cwd=PROJECT, capture_output=True, text=True)
        if done.returncode or not done.stdout or (PROJECT / ".git/shallow").exists():
            pytest.skip("no git history here")
        return int(done.stdout.split()[-1])

    assert first_commit("docs/study/full/registration.md") < first_commit("docs/study/full/records")


def test_seeds_after_one_that_is_not_complete_do_not_count(tmp_path):
    for variant, seeds in {"ce": (10, 11, 12), "dfl": (10, 12)}.items():
        for seed in seeds:
            (tmp_path / variant / f"seed{seed}").mkdir(parents=True)
            (tmp_path / variant / f"seed{seed}/run.json").touch()
    config = {"seeds": [10, 11, 12, 13], "variants": [{"name": "ce"}, {"name": "dfl"}]}
    assert full_study.complete_seeds(tmp_path, config) == [10]


def test_a_page_is_by_default_of_the_last_look_that_is_complete():
    seeds = {count: full_study.last_look(list(range(10, 10 + count)), [4, 6, 8, 10]) for count in range(11)}
    assert [len(taken) for taken in seeds.values()] == [0, 0, 0, 0, 4, 4, 6, 6, 8, 8, 10]
    assert seeds[7] == [10, 11, 12, 13, 14, 15]


def test_the_page_is_of_a_declared_look_that_is_complete():
    """Records of a later look may be there before the page shows it."""
    config = full_study.overlay([str(path) for path in full_study.OVERLAYS["validation"]])
    assert len(SEEDS) in config["looks"]
    assert full_study.complete_seeds(FULL / "records", config)[: len(SEEDS)] == SEEDS


def test_the_page_states_how_many_seeds_it_shows():
    stated = f"the look at {IN_WORDS[len(SEEDS)]} of its ten seeds" if len(SEEDS) < 10 else "all ten seeds are complete"
    assert stated in (FULL / "README.md").read_text()


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


def test_the_table_of_what_the_sampler_drew_is_that_of_a_plain_loop_over_the_records():
    rows = rows_of((FULL / "README.md").read_text().partition("## What the sampler drew")[2].partition("<!--")[0])[1:]
    assert [row[0] for row in rows] == [f"{last - 4} to {last}" for last in range(5, 51, 5)]
    for row, last in zip(rows, range(5, 51, 5), strict=True):
        measured = []
        for seed in SEEDS:
            kept = np.load(FULL / f"records/ce_sampler/seed{seed}/history.npz")
            [weights] = kept["sampler_share"][kept["refresh_epoch"] == last - 5]
            counts = kept["validation_confusion"][last - 1].astype(float)
            rates = counts / counts.sum(1, keepdims=True)
            measured.append([weights[CAT], weights[DOG], np.trace(counts) / counts.sum(), rates[CAT, DOG], rates[DOG, CAT]])
        assert numbers(*row[1:]) == pytest.approx(np.mean(measured, 0) * 100, abs=0.051)


def test_the_shares_of_easy_and_hard_images_are_those_of_the_histograms_of_the_records():
    rows = [
        row
        for row in rows_of((FULL / "README.md").read_text().partition("Of the published shares")[2].partition("## ")[0])
        if "%" in row[-1]
    ]
    assert [(row[0], row[2]) for row in rows] == [(kind, epoch) for kind in ("easy", "hard") for epoch in ("4", "20", "50")]
    for kind, threshold, epoch, _, here in rows:
        each = []
        for seed in SEEDS:
            kept = np.load(FULL / f"records/dfl/seed{seed}/history.npz")
            [counts] = kept["p_histogram"][kept["refresh_epoch"] == int(epoch)]
            lower = np.arange(100) / 100  # ends of the bins
            chosen = lower >= float(threshold) - 1e-9 if kind == "easy" else lower < float(threshold) - 1e-9
            each.append(counts[chosen].sum() / counts.sum() * 100)
        half = stats.t.ppf(0.975, len(each) - 1) * np.std(each, ddof=1) / len(each) ** 0.5
        assert numbers(here) == pytest.approx([np.mean(each), np.mean(each) - half, np.mean(each) + half], abs=0.051)


def section(images: str) -> str:
    """The page's table of the last epoch on these images."""
    return re.search(rf"## On {images} images\n\n### Last epoch\n(.*?)\n### ", (FULL / "README.md").read_text(), re.DOTALL)[1]
