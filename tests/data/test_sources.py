"""Kinds of data: the workflow uses what a module of sources/ declares."""

import json
import sys

import pytest

from hardpair.config.schema import schema
from hardpair.data import sources
from workspace import Workspace

STRIPES = '''\
"""Stripes across or down, under noise."""

from pathlib import Path

from hardpair.data.sources import Arrays, Inventory, Source


class Stripes(Source):
    classes = ("across", "down")
    settings = ("stripe_width",)

    def inventory(self, data: dict, folder: Path | None = None) -> Inventory:
        return Inventory(train=120, test=40, classes=self.classes, size=8)

    def read(self, data: dict, folder: Path, threads: int) -> tuple[dict, Arrays]:
        import numpy as np

        generator, parts = np.random.default_rng(0), {}
        rows = np.broadcast_to(60 + 120 * (np.arange(8) // data["stripe_width"] % 2)[:, None], (8, 8))
        for part, count in (("train", 120), ("test", 40)):
            labels = np.arange(count, dtype=np.int64) % 2
            images = np.where(labels[:, None, None], rows.T, rows)[:, None] + generator.integers(0, 60, (count, 3, 8, 8))
            parts[part] = images.astype(np.uint8), labels
        return {"classes": list(self.classes)}, parts


SOURCE = Stripes()
'''
KEY = "      stripe_width: {type: integer, minimum: 1, maximum: 4, default: 2, description: Width of a stripe (kind stripes only).}\n"
STUDY = {
    "study": "stripes",
    "data": {"kind": "stripes", "name": "stripes", "validation": 20},
    "pairs": [["across", "down"]],
    "baseline": "ce",
    "variants": [{"name": "ce"}],
    "contrasts": [],
    "claims": [],
    "seeds": [0],
    "recipe": {"epochs": 2, "batch_size": 16},
    "search": {"enabled": False},
}
WRONG = {
    'pairs[0] names the class "up", which stripes does not have: choose from across, down': {"pairs": [["up", "down"]]},
    "data.validation is 120, but stripes has 120 images for training: lower it": {"data": {"validation": 120}},
    "data.source is set, but data.kind stripes is generated": {"data": {"source": "somewhere"}},
    "data.stripe_width is 3, but images of data.kind synthetic have no such key": {
        "data": {"kind": "synthetic", "stripe_width": 3},
        "pairs": [["cat", "dog"]],
    },
}
# Prints what the package in the current folder knows.
KNOWN = """
import json, sys
sys.path.insert(0, "workflow/scripts")
from hardpair.data import sources
kinds = [kind for kind in sources.kinds() if sources.get(kind)]
heavy = sorted({"numpy", "PIL", "torch", "torchvision"} & set(sys.modules))
from hardpair.config.resolve import resolve
from hardpair.errors import UserError
from hardpair.staleness import plan
from hardpair.staleness.code_hash import code_hash
from hardpair.study import estimate

def answer(function, *arguments):
    try:
        return function(*arguments)
    except UserError as error:
        return str(error)

study, wrong = json.loads(sys.argv[1])
known = {"heavy": heavy, "code": {kind: code_hash(*plan.prepare_files({"data": {"kind": kind}})) for kind in kinds}}
if study:
    config = resolve(study)
    known |= {"evaluated": estimate.workload(config, 1, 0).evaluated, "size": estimate.inventory(config).size}
    known |= {"wrong": [answer(resolve, value) for value in wrong]}
print(json.dumps(known))
"""


def test_the_schema_has_the_kinds_and_the_keys_that_sources_say():
    data = schema()["properties"]["data"]["properties"]
    assert data["kind"]["enum"] == sources.kinds()
    for kind in sources.kinds():
        source = sources.get(kind)
        assert {*source.settings, *source.checks} <= set(data)
        assert source.local or not source.release, "an archive may be at hand"


def known(copy: Workspace, *argument: object) -> dict:
    return json.loads(copy.run(sys.executable, "-c", KNOWN, json.dumps(argument)).stdout)


@pytest.fixture(scope="module")
def striped(tmp_path_factory):
    """A copy of the project in which a source was added as CONTRIBUTING describes, and the sources before."""
    copy = Workspace.fresh(tmp_path_factory.mktemp("striped"))
    copy.before = known(copy, None, None)
    (copy.folder / "workflow/scripts/hardpair/data/sources/stripes.py").write_text(STRIPES)
    copy.edit("config/schema.yaml", "enum: [cifar10, cifar100, folder, synthetic]", "enum: [cifar10, cifar100, folder, stripes, synthetic]")
    copy.edit("config/schema.yaml", "      synthetic:\n        type: object\n", f"{KEY}      synthetic:\n        type: object\n")
    copy.run(sys.executable, "workflow/scripts/describe_config.py", "--output", "config/README.md")  # as `make config-docs` does
    (copy.folder / "tiny.yaml").write_text(json.dumps(STUDY))
    return copy


def test_estimates_errors_docs_and_help_know_an_added_source(striped):
    wrong = [STUDY | change | {"data": STUDY["data"] | change.get("data", {})} for change in WRONG.values()]
    after = known(striped, STUDY, wrong)
    assert (after["evaluated"], after["size"]) == (40, 8)
    for sentence, expected in zip(after["wrong"], WRONG, strict=True):
        assert sentence.startswith(f"config: {expected}")
    assert after["code"].pop("stripes")
    assert after["code"] == striped.before["code"], "images of other kinds are not stale"
    assert after["heavy"] == []
    assert "stripes" in striped.run(sys.executable, "workflow/scripts/prepare_data.py", "--help").stdout
    assert "stripes" not in striped.run(sys.executable, "workflow/scripts/download_data.py", "--help").stdout
    assert "Width of a stripe" in (striped.folder / "config/README.md").read_text()


def test_an_added_source_is_prepared_and_trained(striped):
    striped.snakemake("--", "results/stripes/comparison.md")
    assert json.loads((striped.folder / "resources/stripes/dataset.json").read_text())["classes"] == ["across", "down"]
    assert "across" in (striped.folder / "results/stripes/comparison.md").read_text()
    assert striped.stale("--", "results/stripes/comparison.md") == set()
    striped.edit("tiny.yaml", '"validation": 20', '"validation": 20, "stripe_width": 4')
    assert "Prepare the images of stripes" in striped.stale("--", "results/stripes/comparison.md")
