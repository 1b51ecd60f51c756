"""The example of docs/pictures.md as it stands, and what reruns when its pictures change."""

import json
import os
import re
import shutil

import pytest

import picture_tree
from workspace import PROJECT, Workspace

PAGE = (PROJECT / "docs/pictures.md").read_text(encoding="utf-8")
PREPARE = "Prepare the images of fruit"
ODD = ["'$(touch sprung)' {x} \"; rm *", "<script>alert(1)<", "数 é_&-%$x$"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


class Fruit(Workspace):
    """The example's workspace."""

    overlays = ("fruit.yaml",)


@pytest.fixture(scope="module")
def fruit(tmp_path_factory):
    make, run = blocks("bash")
    study, _ = blocks("yaml")
    workspace = Fruit.fresh(tmp_path_factory.mktemp("fruit"))
    workspace.run("bash", "-euc", make)
    (workspace.folder / "fruit.yaml").write_text(study)
    done = workspace.run("bash", "-euc", run)
    workspace.output = done.stdout + done.stderr
    return workspace


@pytest.fixture
def changed(fruit, tmp_path):
    """A copy of it to change."""
    return Fruit(fruit.copy(tmp_path).folder)


def test_the_example_prints_and_leaves_what_the_page_states(fruit):
    (expected,) = blocks("text")
    assert expected in fruit.output
    record = json.loads((fruit.folder / "results/fruit/runs/dfl/seed1/run.json").read_text())
    assert record["classes"] == ["lemon", "orange", "plum"]
    report = (fruit.folder / "results/fruit/report.html").read_text()
    assert "orange" in report
    assert ", network cnn." in report
    assert "left out." not in report
    for name in ("skipped.csv", "duplicates.csv", "pictures.json"):
        assert name in PAGE
        assert (fruit.folder / "resources/fruit" / name).is_file()
    done = fruit.snakemake()
    assert "Nothing to be done" in done.stdout + done.stderr


def test_touched_moved_and_hidden_pictures_train_nothing(changed):
    shutil.move(changed.folder / "fruit", changed.folder / "moved fruit; $(touch sprung)")
    changed.edit("fruit.yaml", "source: fruit,", 'source: "moved fruit; $(touch sprung)", on_bad_image: skip, min_images: 1,')
    (changed.folder / "moved fruit; $(touch sprung)" / ".DS_Store").write_text("x")
    for path in (changed.folder / "moved fruit; $(touch sprung)").rglob("*"):
        os.utime(path)
    shows_the_config = {"Write the report"}
    assert changed.stale() == shows_the_config
    changed.snakemake("--forcerun", "prepare_data", "--", "resources/fruit/dataset.json")
    assert changed.stale() == shows_the_config, "the same arrays were made"
    assert not (changed.folder / "sprung").exists()


def test_prepared_pictures_travel_without_their_source(changed):
    shutil.rmtree(changed.folder / "fruit")
    assert changed.stale() == set()
    changed.edit("fruit.yaml", "source: fruit,", "source: other,")
    done = changed.snakemake("--dry-run", check=False)
    assert "data.source other does not exist: name the folder, zip or tar of your pictures" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("change", ["one less", "another size"])
def test_other_pictures_rerun_everything(changed, change):
    if change == "one less":
        (changed.folder / "fruit/plum/0.png").unlink()
    else:
        changed.edit("fruit.yaml", "size: 16, v", "size: 8, v")
    stale = changed.stale()
    assert {PREPARE, "Split the training images", "Compare the runs", "Write the report"} <= stale
    assert {f"Train {variant} with seed {seed}" for variant in ("ce", "dfl") for seed in (0, 1)} <= stale


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lemon]]", "lemmon]]", 'pairs[0] names the class "lemmon", which data.source fruit does not have: did you mean lemon?'),
        ("validation: 30", "validation: 144", "data.validation is 144, but data.source fruit has 144 images for training"),
    ],
)
@pytest.mark.parametrize("prepared", [True, False])
def test_what_the_pictures_do_not_have_is_refused_before_anything_runs(changed, old, new, message, prepared):
    if not prepared:
        shutil.rmtree(changed.folder / "resources")
    changed.edit("fruit.yaml", old, new)
    lines = (changed.folder / "fruit.yaml").read_text().splitlines()
    [number] = [place for place, line in enumerate(lines, 1) if new in line]
    done = changed.snakemake("--dry-run", check=False)
    assert f"fruit.yaml, line {number}: {message}" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_share_of_test_pictures_is_counted_before_it_is_prepared(changed):
    changed.edit("fruit.yaml", "size: 16, v", "size: 16, test_share: 0.1, v")
    changed.edit("fruit.yaml", "validation: 30", "validation: 161")
    assert PREPARE in changed.stale()
    changed.edit("fruit.yaml", "validation: 161", "validation: 162")
    done = changed.snakemake("--dry-run", check=False)
    assert "data.validation is 162, but data.source fruit has 162 images for training" in done.stderr


def test_broken_pictures_end_the_run_in_one_sentence_that_is_shown(changed):
    (changed.folder / "fruit/plum/broken.png").write_bytes(b"no picture")
    done = changed.snakemake("--", "resources/fruit/dataset.json", check=False)
    assert done.returncode != 0
    assert "data.source fruit has 1 file that cannot be used, the first 'plum/broken.png'" in done.stderr
    assert "resources/fruit/skipped.csv lists all" in done.stderr
    assert "plum/broken.png" in (changed.folder / "resources/fruit/skipped.csv").read_text()


def test_classes_may_be_called_anything_that_can_be_printed(tmp_path):
    study = Fruit.fresh(tmp_path)
    source = study.folder / "my 'pictures' {x}"
    picture_tree.write(source, {f"{name}/{n}.png": picture_tree.png(100 * place + n) for place, name in enumerate(ODD) for n in range(20)})
    (study.folder / "fruit.yaml").write_text(
        json.dumps(
            {
                "study": "odd",
                "data": {"kind": "folder", "name": "odd", "source": source.name, "size": 8, "validation": 10},
                "pairs": [ODD[:2], ODD[1:]],
                "variants": [{"name": "ce"}],
                "contrasts": [],
                "claims": [],
                "seeds": [0],
                "recipe": {"epochs": 1, "batch_size": 16},
                "search": {"enabled": False},
            }
        )
    )
    tables = ("--", "results/odd/comparison.md")
    study.snakemake(*tables)
    assert not list(study.folder.rglob("sprung*"))
    measured = json.loads((study.folder / "results/odd/runs/ce/seed0/metrics.json").read_text())
    assert list(measured["models"]["last"]["per_class"]) == sorted(ODD)
    assert study.planned(*tables) == set()
