"""A study of one's own pictures after which its folder gets a file that is refused."""

import numpy as np
from PIL import Image

from workspace import Workspace

STUDY = """
study: pets
data: {kind: folder, name: pets, source: pets, size: 8, validation: 20, test_share: 0.2}
pairs: [[cat, dog]]
seeds: [0]
search: {enabled: false}
recipe: {epochs: 1}
"""


def test_what_was_prepared_stays_where_new_pictures_are_refused(tmp_path):
    study, random = Workspace.fresh(tmp_path), np.random.default_rng(0)
    (tmp_path / "pets.yaml").write_text(STUDY)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(40):
            Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(tmp_path / "pets" / name / f"{number}.png")
    command = ("snakemake", "--cores", "1", "--configfile", "pets.yaml", "--", "split_data")
    study.run(*command)
    names = ("train/images.npy", "train/labels.npy", "test/images.npy", "test/labels.npy", "dataset.json", "made.json")
    prepared = {path: path.read_bytes() for path in (tmp_path / "resources/pets" / name for name in names)}

    broken = tmp_path / "pets/cat/broken.png"
    broken.write_bytes(b"no picture")
    refused = study.run(*command, check=False)
    assert refused.returncode != 0
    assert "broken.png" in refused.stderr
    assert {path: path.read_bytes() for path in prepared} == prepared

    broken.unlink()
    assert "Nothing to be done" in study.run(*command).stderr
