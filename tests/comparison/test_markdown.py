"""The comparison as a reader sees it."""

import re

import numpy as np
import pytest

import fake_study
from compared_study import Study
from hardpair.comparison import most_confused, tables
from hardpair.comparison.markdown_text import WARNING
from hardpair.measures.confusion import pair_rates

WITHOUT = "All claims: not registered: no registration was kept when these runs began."


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def tables_in(text):
    """Rows of cells of every table by its heading."""
    tables = {}
    for part in text.split("\n## ")[1:]:
        heading, *lines = part.splitlines()
        tables[heading] = [cells(line) for line in lines if line.startswith("|")]
    return tables


def test_runs_that_learned_nothing_are_warned_of_first(tmp_path, monkeypatch):
    study = Study(tmp_path)
    assert WARNING not in study.markdown()
    for seed in study.settings["seeds"]:
        study.change_counts("dfl", seed, lambda counts: np.full_like(counts, 2))
    which = f"{len(study.settings['seeds'])} of {len(study.settings['seeds'])} runs of DynamicFocalLoss"
    expected = f"Warning: Nothing was learned in {which}: the accuracy is at most 10.0 %, and chance level is"
    assert study.markdown().splitlines()[4].startswith(expected)
    study.main(monkeypatch)
    assert (study.out / "comparison.md").read_text().count(f"{WARNING}Nothing was learned") == 1


@pytest.mark.parametrize(("third", "warned"), [(0, 0), (300, 1)])
def test_a_third_class_is_warned_of_by_the_number_of_images(tmp_path, monkeypatch, third, warned):
    study = Study(tmp_path)
    a, b, c = (fake_study.CLASSES.index(name) for name in ("cat", "dog", "bird"))
    for name, cats, dogs in (("ce", [800, 200, 0], [13, 7, 0]), ("dfl", [900 - third, 100, third], [10, 10, 0])):

        def changed(counts, cats=cats, dogs=dogs):
            counts[a, [a, b, c]], counts[b, [b, a, c]] = np.array(cats), np.array(dogs)
            counts[[[a], [b]], np.setdiff1d(np.arange(10), [a, b, c])] = 0
            return counts

        for seed in study.settings["seeds"]:
            study.change_counts(name, seed, changed)
    text = study.markdown()
    assert text.count("third class") == warned == text.count("(59.8 % against 79.7 %): it calls more of them a third class.")
    study.settings["contrasts"] = study.settings["contrasts"][1:]
    study.main(monkeypatch)
    assert "third class" not in (study.out / "comparison.md").read_text()


def test_variants_that_do_not_differ_have_empty_cells_for_what_tests_nothing(tmp_path):
    study = Study(tmp_path)
    for seed in study.settings["seeds"]:
        study.change("dfl", seed, "metrics.json", models=study.content("ce", seed)["models"])
    text = study.markdown()
    [row] = [
        row for row in tables_in(text)["Power with this number of seeds"] if row[:2] == ["DynamicFocalLoss − CrossEntropy", "accuracy"]
    ]
    assert row[2:5] == ["0.00 pp", "+1.00", ""]
    assert "nan" not in text


@pytest.mark.parametrize("absent", [["cat"], ["dog"], ["cat", "dog"]])
def test_a_class_of_the_pair_without_images_has_an_empty_cell(tmp_path, monkeypatch, absent):
    """As evaluations of earlier versions may have it."""
    study = Study(tmp_path)

    def without(counts):
        counts[[fake_study.CLASSES.index(name) for name in absent]] = 0
        return counts

    for variant in study.settings["variants"]:
        for seed in study.settings["seeds"]:
            study.change_counts(variant["name"], seed, without)
    study.main(monkeypatch)
    detail = tables_in((study.out / "comparison.md").read_text())["The pair in detail: cat and dog, last epoch"]
    for name in ("cat", "dog"):
        place = detail[0].index(f"accuracy on {name}")
        assert all((row[place] == "") == (name in absent) for row in detail[2:])


def test_markdown_is_laid_out_as_the_published_table(compared):
    compared.settings["contrasts"] = [["dfl", "ce"], ["dfl", "ce_sampler"]]
    text, comparison_ = compared.markdown(), compared.tables()[1]
    tables = tables_in(text)
    headings = ["Last epoch", "Best epoch by validation accuracy", "Declared contrasts, last epoch", "Power with this number of seeds"]
    headings += [f"The pair in detail: {pair}, last epoch" for pair in ("cat and dog", "truck and automobile")]
    assert list(tables) == [*headings, "Calibration, last epoch", "Accuracy by class, last epoch", "Most confused pairs, last epoch"]
    for heading, model in (("Last epoch", "last"), ("Best epoch by validation accuracy", "best")):
        header, rule, *rows = tables[heading]
        ours = ["variant", "accuracy", "cat–dog confusion", "accuracy vs CrossEntropy", "confusion vs CrossEntropy"]
        assert header == [*ours, "published accuracy", "published confusion"]
        assert rule == ["---"] * 7
        labels = ["CrossEntropy (baseline)", "DynamicFocalLoss", "CE + FocalSampler", "DFL + Sampler"]
        assert [row[0] for row in rows] == labels
        assert rows[0][3:5] == ["", ""]
        assert rows[1][5:] == ["86.78 %", "10.78 %"]
        of_dfl = comparison_[(comparison_["variant"] == "dfl") & (comparison_["model"] == model)].set_index("metric")
        for place, metric in ((1, "accuracy"), (2, "confusion:cat-dog")):
            row = 100 * of_dfl.loc[metric, ["mean", "sd", "difference", "difference_low", "difference_high"]].astype(float)
            assert rows[1][place] == f"{row['mean']:.2f} ± {row['sd']:.2f} %"
            interval = f"[{row['difference_low']:+.2f}, {row['difference_high']:+.2f}]"
            assert rows[1][place + 2] == f"{row['difference']:+.2f} pp {interval}"
    contrasts = tables["Declared contrasts, last epoch"]
    assert [row[0] for row in contrasts[2:]] == ["DynamicFocalLoss − CrossEntropy", "DynamicFocalLoss − (CE + FocalSampler)"]
    assert contrasts[2][1::3] == tables["Last epoch"][3][3:5]
    stored = compared.tables()[2].set_index(["a", "b", "model", "metric"])
    for place, metric in ((2, "accuracy"), (5, "confusion:cat-dog")):
        low, high = 100 * stored.loc[("dfl", "ce", "last", metric), ["new_images_low", "new_images_high"]].astype(float)
        assert contrasts[2][place] == f"[{low:+.2f}, {high:+.2f}]"
    for place, metric in ((3, "accuracy"), (6, "confusion:cat-dog")):
        assert contrasts[2][place] == f"({stored.loc[('dfl', 'ce', 'last', metric), 'p']:.3f})", "in parentheses, since nothing is claimed"
    assert "p is from the paired t test, not adjusted. It is in parentheses if the difference belongs to no claim" in text
    power = tables["Power with this number of seeds"]
    assert [row[:2] for row in power[2:4]] == [
        ["DynamicFocalLoss − CrossEntropy", "accuracy"],
        ["DynamicFocalLoss − CrossEntropy", "confusion"],
    ]
    assert [row[5] for row in power[2:]] == ["+0.82 pp", "-1.24 pp", "0.00 pp", "-0.47 pp"]
    assert power[4][6] == "", "no number of seeds detects a published difference of 0"
    assert "## Claims" not in text
    assert "On test images; 3 seeds (0, 1, 2); network cnn." in text


def test_the_table_of_the_pair_is_complete(compared):
    tables, table = tables_in(compared.markdown()), compared.tables()[1]
    last = table[table["model"] == "last"].set_index(["metric", "variant"])
    header, _, *rows = tables["The pair in detail: truck and automobile, last epoch"]
    read = ["truck → automobile", "automobile → truck", "truck → others", "automobile → others", "two classes only"]
    assert header == ["variant", *read, "accuracy on truck", "accuracy on automobile"]
    metrics = [f"{key}:truck-automobile" for key in ("a_to_b", "b_to_a", "a_to_other", "b_to_other", "binary_error")]
    for place, metric in enumerate([*metrics, "accuracy:truck", "accuracy:automobile"], 1):
        row = 100 * last.loc[(metric, "dfl"), ["mean", "difference"]].astype(float)
        assert rows[0][place] == f"{100 * last.loc[(metric, 'ce'), 'mean']:.2f} %"
        change = f"{row['difference']:+.2f}"
        assert rows[1][place] == f"{row['mean']:.2f} % ({change if float(change) else '0.00'})"
    assert tables["Calibration, last epoch"][0] == ["variant", "Log loss (nats)", "Calibration error", "Brier score"]
    nll = last.loc[("nll", "dfl")]
    assert tables["Calibration, last epoch"][3][1] == f"{nll['mean']:.4f} ({nll['difference']:+.4f})"
    assert [row[0] for row in tables["Accuracy by class, last epoch"][2:]] == fake_study.CLASSES


def test_the_most_confused_pairs_are_the_baselines(compared):
    table = most_confused.most_confused_table(compared.records(), compared.settings)
    for model in ("last", "best"):
        rates = {
            name: np.array([pair_rates(np.array(compared.content(name, seed)["models"][model]["confusion"])) for seed in range(3)])
            for name in ("ce", "dfl")
        }
        mean = {
            f"{a}-{b}": rates["ce"][:, i, j].mean()
            for i, a in enumerate(fake_study.CLASSES)
            for j, b in enumerate(fake_study.CLASSES)
            if i < j
        }
        expected = sorted(mean, key=lambda pair: -mean[pair])[:10]
        of_model = table[table["model"] == model]
        assert list(of_model["pair"].unique()) == expected
        assert list(of_model["rank"].unique()) == list(range(1, 11))
        for pair in expected:
            a, b = map(fake_study.CLASSES.index, pair.split("-"))
            row = of_model[(of_model["pair"] == pair) & (of_model["variant"] == "dfl")].iloc[0]
            assert row["mean"] == pytest.approx(rates["dfl"][:, a, b].mean())
            assert row["difference"] == pytest.approx((rates["dfl"] - rates["ce"])[:, a, b].mean())


def test_a_reference_is_named_with_its_source(compared):
    settings = compared.settings | {
        "references": [{"pair": ["dog", "cat"], "confusion": 0.0383, "label": "humans", "source": "A | B 2019"}]
    }
    study = Study.__new__(Study)
    study.__dict__ = compared.__dict__ | {"settings": settings}
    assert r"For reference, dog–cat confusion of humans: 3.83 % (A \| B 2019)." in study.markdown()
    assert "For reference" not in compared.markdown()


def test_labels_cannot_break_the_table(tmp_path):
    labels = ["a|b", "<b>bold</b> & &lt;", "back\\slash\nnew | line _a_ a_b __init__ ~~c~~"]
    variants = [{"name": f"v{place}", "label": label} for place, label in enumerate(labels)]
    tables = tables_in(Study(tmp_path, variants=variants, baseline="v0").markdown())
    rows = tables["Last epoch"]
    assert {len(row) for row in rows} == {5}, "nothing was published, so no columns of it"
    assert "published" not in " ".join(tables["Power with this number of seeds"][0])
    written = [r"a\|b (baseline)", "&lt;b>bold&lt;/b> &amp; &amp;lt;", r"back\\slash new \| line \_a\_ a_b \_\_init\_\_ \~\~c\~\~"]
    assert [row[0] for row in rows[2:]] == written
    assert rows[0][3] == r"accuracy vs a\|b"
    assert {len(row) for row in tables["Declared contrasts, last epoch"]} == {7}
    for heading in ("Calibration, last epoch", "Accuracy by class, last epoch", "Most confused pairs, last epoch"):
        assert {len(row) for row in tables[heading]} == {4}


def test_one_seed_gives_numbers_without_intervals(tmp_path):
    study = Study(tmp_path, seeds=1)
    _, table, contrasts = study.tables()
    assert table[["sd", "low", "high", "difference_low"]].isna().all(axis=None)
    assert contrasts["difference"].notna().all()
    text = study.markdown()
    rows = tables_in(text)["Last epoch"]
    assert re.fullmatch(r"\d\d\.\d\d %", rows[3][1])
    assert re.fullmatch(r"[+-]\d+\.\d\d pp", rows[3][3])
    assert "1 seed (0); network cnn. A single run has no sd and no interval." in text
    assert not re.search(r"nan|±|95 %", text)


def test_two_seeds_are_said_once_to_be_too_few(tmp_path):
    part = {"better": "dfl", "than": "ce", "measures": ["accuracy"]}
    claims = [{"name": name, "sentence": f"{name} holds.", "contrasts": [part], "control": False} for name in ("one", "two")]
    text = Study(tmp_path, seeds=2, claims=claims).markdown()
    assert text.count("Two seeds are too few for intervals and tests.") == 1
    assert not re.search(r"\[[+-]|95 %|\bp\b(?!p)|nan", text), "neither intervals nor tests"
    end = f"**No verdict yet**, all claims: 2 seeds are complete, and verdicts need 6.\n\n{WITHOUT}\n\n- one holds.\n- two holds.\n"
    assert text.endswith(f"## Claims\n\n{end}")
    assert "Power with this number of seeds" not in text


def test_each_verdict_has_its_reason_and_controls_their_name(tmp_path):
    part = {"better": "dfl", "than": "ce", "measures": ["accuracy"]}
    claims = [{"name": "one", "sentence": "dfl | ce.", "contrasts": [part], "control": False}]
    claims.append(claims[0] | {"name": "two", "contrasts": [part | {"than": "ce_sampler"}], "control": True})
    declared = {"claims": claims, "contrasts": [["dfl", "ce"], ["dfl", "ce_sampler"]], "looks": [3, 6]}
    study = Study(tmp_path, seeds=6, **declared)
    text = study.markdown()
    last = text.partition("## Claims\n\n")[2].splitlines()
    early = ["Differences that decided a claim before the last look tend to be larger than the true ones."] * ("after 3 of 6" in text)
    assert last[0] == " ".join(["1 claim with an error of 5 % together: each has 5 % over all looks, at 3, 6 seeds.", *early])
    assert last[2] == WITHOUT
    assert re.match(r"- dfl \\\| ce\. \*\*(Supported|Not settled|Refuted)\*\*: after [36] of 6 seeds, ", last[4])
    assert last[5].startswith(r"- Control: dfl \| ce. **")
    rows = tables_in(text)["Declared contrasts, last epoch"]
    assert rows[2][3][0] != "(", "a part of a claim"
    assert rows[2][6][0] == "(", "in no claim"


def test_without_validation_there_is_no_best_model(tmp_path):
    study = Study(tmp_path, validation=False)
    runs, table, contrasts = study.tables()
    assert set(runs["model"]) == set(table["model"]) == set(contrasts["model"]) == {"last"}
    assert runs["best_epoch"].isna().all()
    assert list(tables_in(study.markdown()))[:3] == ["Last epoch", "Declared contrasts, last epoch", "Power with this number of seeds"]


def test_without_contrasts_their_table_is_empty(tmp_path, monkeypatch):
    study = Study(tmp_path, contrasts=[])
    study.main(monkeypatch)
    assert (study.out / "contrasts.csv").read_text() == ",".join(tables.CONTRAST_COLUMNS) + "\n"
    assert "ontrast" not in (study.out / "comparison.md").read_text()
