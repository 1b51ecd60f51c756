"""The records of the study at full length are runs of the study that full.yaml declares."""

import json

import numpy as np
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
RECORDS = sorted(path.parent for path in (FULL / "records").rglob("run.json"))


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
