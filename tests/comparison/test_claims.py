import re

import numpy as np
import pandas as pd
import pytest

from hardpair.comparison import claims, tables

VARIANTS = [{"name": name, "label": name.upper()} for name in ("a", "b", "c")]
BOTH = ["accuracy", "confusion"]


def with_claim(*contrasts, seeds=10, declared=(("a", "b"), ("a", "c"))):
    """Settings with one claim."""
    claim = {
        "name": "claim",
        "sentence": "A is best.",
        "contrasts": [dict(zip(("better", "than", "measures"), part, strict=True)) for part in contrasts],
    }
    settings = {"variants": VARIANTS, "seeds": list(range(seeds)), "pairs": [["cat", "dog"]], "claims": [claim], "margin": 0.002}
    return settings | {"contrasts": [list(pair) for pair in declared]}


def judged(settings, noise=0.001, **means):
    """Verdict and reason on made-up runs: (accuracy, confusion) of each variant, the same up to noise in every seed."""
    rng, rows = np.random.default_rng(0), []
    for name, (accuracy, confusion) in means.items():
        for seed in settings["seeds"]:
            row = {"variant": name, "seed": seed, "model": "last", "nll": 0, "ece": 0, "brier": 0, "binary_error:cat-dog": 0}
            rows.append(row | {"accuracy": accuracy + noise * rng.normal(), "confusion:cat-dog": confusion + noise * rng.normal()})
    contrasts = tables.contrasts_table(pd.DataFrame(rows), settings)
    claim = claims.claims_table(contrasts, settings).iloc[0]
    return claim["verdict"], claim["why"]


def test_a_claim_is_supported_if_every_part_is_significant_in_its_direction():
    settings = with_claim(("a", "b", BOTH), ("a", "c", BOTH))
    verdict, why = judged(settings, a=(0.87, 0.11), b=(0.86, 0.12), c=(0.86, 0.12))
    assert verdict == "supported"
    assert re.match(r"A against B, accuracy \+(0\.9|1\.0)\d pp \[", why)
    assert why.count("p = 0.0078") == 4, "2 / 2^10 times four tests"


def test_the_order_of_the_declared_contrast_does_not_matter():
    settings = with_claim(("a", "b", ["accuracy"]), declared=[("b", "a")])
    verdict, why = judged(settings, a=(0.87, 0.11), b=(0.86, 0.12), c=(0, 0))
    assert verdict == "supported"
    assert re.match(r"A against B, accuracy \+(0\.9|1\.0)\d pp \[", why)


@pytest.mark.parametrize("confusion", [0.12, 0.10])
def test_a_claim_is_refuted_by_one_part_that_is_significant_the_other_way(confusion):
    settings = with_claim(("a", "b", BOTH))
    verdict, why = judged(settings, a=(0.87, 0.11), b=(0.86, confusion), c=(0, 0))
    assert verdict == ("supported" if confusion == 0.12 else "refuted")
    if verdict == "refuted":
        assert re.match(r"A against B, confusion \+(0\.9|1\.0)\d pp \[", why)
        assert why.endswith("p = 0.0078: significant the other way")


def test_a_claim_is_refuted_by_a_difference_that_counts_as_none():
    verdict, why = judged(with_claim(("a", "b", ["accuracy"])), a=(0.8605, 0.1), b=(0.86, 0.1), c=(0, 0), noise=0.0005)
    assert verdict == "refuted"
    assert why.endswith("a difference this small counts as none")


def test_otherwise_it_is_not_settled_and_the_required_seeds_are_stated():
    verdict, why = judged(with_claim(("a", "b", ["accuracy"])), a=(0.863, 0.1), b=(0.86, 0.1), c=(0, 0), noise=0.01)
    assert verdict == "not settled"
    count = int(why.split("about ")[1].split()[0])
    assert count > 10
    assert why.endswith(f"about {count} seeds would settle it, if the differences stay as they are")


@pytest.mark.parametrize("seeds", [1, 2, 7])
def test_too_few_seeds_settle_nothing_and_the_required_number_is_stated(seeds):
    verdict, why = judged(with_claim(("a", "b", BOTH), seeds=seeds), a=(0.87, 0.11), b=(0.86, 0.12), c=(0, 0))
    assert verdict == "not settled"
    assert why.endswith(f"{seeds} seed{'s' if seeds > 1 else ''} can settle nothing: 4 tests need at least 8")


def test_equal_variants_are_no_reason_for_more_seeds():
    verdict, why = judged(with_claim(("a", "b", ["accuracy"])) | {"margin": 0}, a=(0.86, 0.1), b=(0.86, 0.1), c=(0, 0), noise=0)
    assert (verdict, why.partition(": ")[2]) == ("not settled", "no number of seeds would settle a difference of 0")


def test_a_difference_that_is_next_to_nothing_would_take_more_seeds_than_anyone_trains():
    accuracy = np.array([0.85, 0.87] * 5)
    rows = [
        {"variant": name, "seed": seed, "model": "last", "accuracy": value, "confusion:cat-dog": 0.1}
        for name, values in (("a", accuracy), ("b", accuracy[::-1] - 1e-6), ("c", accuracy))
        for seed, value in enumerate(values)
    ]
    settings = with_claim(("a", "b", ["accuracy"]))
    claim = claims.claims_table(tables.contrasts_table(pd.DataFrame(rows), settings), settings).iloc[0]
    assert claim["verdict"] == "not settled"
    assert claim["why"].endswith("more than 100,000 seeds would be needed to settle it, if the differences stay as they are")


def test_without_claims_there_is_an_empty_table():
    settings = with_claim() | {"claims": []}
    rows = pd.DataFrame(columns=tables.CONTRAST_COLUMNS)
    assert claims.claims_table(rows, settings).columns.tolist() == ["name", "sentence", "verdict", "why"]
