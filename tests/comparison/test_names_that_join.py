"""A study of classes whose names can be joined to the same text in two ways."""

import numpy as np
import pandas as pd

import fake_study
from hardpair.config.resolve import resolve
from hardpair.figures import catalogue
from hardpair.measures.confusion import pair_rates
from hardpair.measures.pair_name import pair_name
from hardpair.report.page import render
from hardpair.staleness import plan

CLASSES = ["1", "1-2", "2-3", "3", "a_b", "a b"]
PAIRS = [["1-2", "3"], ["1", "2-3"], ["a_b", "3"], ["a b", "3"]]


def test_each_pair_has_its_own_columns_rows_and_parts_of_the_report(tmp_path):
    variants = [{"name": "ce", "label": "CE"}, {"name": "dfl", "label": "DFL"}]
    fake_settings = fake_study.settings(variants, seeds=2, pairs=PAIRS)
    fake_study.write_study(tmp_path, fake_settings, epochs=2, images=120, classes=CLASSES, size=8)
    results = tmp_path / "results"
    runs = pd.read_csv(results / "runs.csv")
    for _, row in runs.iterrows():
        content = pd.read_json(results / "runs" / row["variant"] / f"seed{row['seed']}" / "metrics.json", typ="series")
        rates = pair_rates(np.array(content["models"][row["model"]]["confusion"]))
        for a, b in PAIRS:
            assert np.isclose(row[f"confusion:{pair_name(a, b)}"], rates[CLASSES.index(a), CLASSES.index(b)])
    confused = pd.read_csv(results / "most_confused.csv")
    last = confused[confused["model"] == "last"]
    assert (last.groupby("pair").size() == 2).all(), "one row a variant"
    base = {"study": "fake", "data": {"kind": "folder", "name": "fake", "source": "x"}, "baseline": "ce", "seeds": [0, 1]}
    declared = {"contrasts": fake_settings["contrasts"], "claims": fake_settings["claims"]}
    config = resolve(base | {"variants": variants, "pairs": PAIRS, "search": {"enabled": False}} | declared)
    settings = {"config": config, "pairs": PAIRS, "references": [], "searches": [], "commands": [], "figures": []}
    settings["answer"] = plan.figure_settings(config, catalogue.FINAL)
    page = render(results, settings, np.load(tmp_path / "data" / "test" / "images.npy"))
    for heading in ("1-2 and 3", "1 and 2-3"):
        assert f"<h4>{heading}</h4>" in page
    assert page.count("<h4>a b–3</h4>") == 2
