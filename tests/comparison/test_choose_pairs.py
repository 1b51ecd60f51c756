import json
import sys

import numpy as np
import pytest

import choose_pairs
import fake_study
from hardpair.cli.command import json_or_file
from hardpair.config.resolve import resolve
from hardpair.errors import UserError
from hardpair.measures.confusion import pair_rates
from hardpair.staleness import plan


@pytest.fixture
def study(tmp_path):
    settings = fake_study.settings(fake_study.STUDY[:2], seeds=3)
    fake_study.write_study(tmp_path, settings, epochs=3, images=400)
    return tmp_path / "results"


def choose(monkeypatch, study, **settings):
    settings = {"variants": [{"name": "ce"}], "seeds": [0, 1, 2], "count": 3} | settings
    line = ["choose_pairs.py", "--runs", str(study / "runs"), "--settings", json.dumps(settings), "--output", str(study / "pairs.json")]
    monkeypatch.setattr(sys, "argv", line)
    choose_pairs.main()
    return json.loads((study / "pairs.json").read_text())


def test_the_pairs_are_those_that_the_baseline_confuses_most_on_validation_images(study, monkeypatch):
    rates = np.mean(
        [
            pair_rates(np.load(study / "runs" / "ce" / f"seed{seed}" / "history.npz")["validation_confusion"][-1].astype(float))
            for seed in range(3)
        ],
        axis=0,
    )
    every = sorted(((rates[a, b], -a, -b) for a in range(10) for b in range(a + 1, 10)), reverse=True)[:3]
    for seed in range(3):  # neither another variant's runs nor anything measured on test images may matter
        (study / "runs" / "dfl" / f"seed{seed}" / "history.npz").unlink()
        for name in ("metrics.json", "predictions.npz"):
            (study / "runs" / "ce" / f"seed{seed}" / name).unlink()
    chosen = choose(monkeypatch, study)
    assert chosen["pairs"] == [[fake_study.CLASSES[-a], fake_study.CLASSES[-b]] for _, a, b in every]
    assert chosen["rates"] == pytest.approx([rate for rate, _, _ in every])
    assert choose(monkeypatch, study, count=1)["pairs"] == chosen["pairs"][:1]


def test_without_validation_images_there_is_nothing_to_choose_by(tmp_path, monkeypatch):
    settings = fake_study.settings(fake_study.STUDY[:1], seeds=3)
    fake_study.write_study(tmp_path, settings, epochs=1, images=100, validation=False)
    with pytest.raises(UserError, match=r"seed0/history\.npz cannot be read"):
        choose(monkeypatch, tmp_path / "results")
    assert not (tmp_path / "results" / "pairs.json").exists()


def test_settings_find_the_pairs_in_their_file(study, monkeypatch):
    chosen = choose(monkeypatch, study)
    assert json_or_file(json.dumps({"pairs": str(study / "pairs.json")})) == {"pairs": chosen["pairs"]}
    (study / "pairs.json").unlink()
    with pytest.raises(UserError, match=r"pairs\.json is missing: run the step that makes it"):
        json_or_file(json.dumps({"pairs": str(study / "pairs.json")}))


def test_only_jobs_that_show_the_pairs_depend_on_the_choice():
    base = {"study": "s", "data": {"kind": "cifar10", "name": "d"}, "variants": [{"name": "ce"}], "baseline": "ce", "seeds": [0]}
    base["search"] = {"enabled": False}
    humans = {"data": "cifar10", "pair": ["dog", "cat"], "confusion": 0.04, "label": "humans", "source": "s"}
    references = [humans, humans | {"pair": ["ship", "truck"]}, humans | {"data": "cifar100", "pair": ["boy", "girl"]}]
    fixed, one, three = (resolve(base | {"pairs": pairs, "references": references}) for pairs in ([["cat", "dog"]], "auto", {"auto": 3}))
    for settings in (plan.evaluate_settings, plan.compare_settings, lambda config: plan.figure_settings(config, "curves")):
        assert settings(one) == settings(three)
        assert settings(one)["pairs"] == "results/s/pairs.json"
        assert settings(fixed)["pairs"] == [["cat", "dog"]]
    assert plan.choose_settings(three) == {"variants": [{"name": "ce"}], "seeds": [0], "count": 3}
    assert plan.train_settings(fixed, "ce") == plan.train_settings(three, "ce")
    expected = {key: value for key, value in humans.items() if key != "data"}
    assert plan.references(fixed) == [expected]
    assert plan.references(one) == [expected, expected | {"pair": ["ship", "truck"]}], (
        "which of them are about the chosen pairs is not known yet"
    )
    others = resolve(base | {"pairs": [["ship", "truck"], ["cat", "dog"]], "references": references})
    assert [reference["pair"] for reference in plan.figure_settings(others, "curves")["references"]] == [["ship", "truck"]]


def test_published_values_are_shown_of_the_data_and_the_pair_that_they_are_about():
    published = {"data": "cifar10", "pair": ["dog", "cat"], "accuracy": 0.9, "confusion": 0.1}
    base = {"study": "s", "data": {"kind": "cifar10", "name": "d"}, "variants": [{"name": "ce", "published": published}], "baseline": "ce"}
    base |= {"seeds": [0], "search": {"enabled": False}}
    shown = {"accuracy": 0.9, "confusion": 0.1}
    other = {"kind": "synthetic", "name": "d", "validation": 100}
    for change, expected in (
        ({}, shown),
        ({"data": other}, None),
        ({"pairs": [["ship", "cat"], ["cat", "dog"]]}, None),
        ({"pairs": "auto"}, None),
    ):
        config = resolve(base | change)
        for settings in (plan.compare_settings(config), plan.figure_settings(config, "weights")):
            assert settings["variants"][0].get("published") == expected
