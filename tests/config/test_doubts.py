"""What a config may have, but is probably not meant, is said with the plan."""

import pytest

from changed_config import changed
from hardpair.config.doubts import doubts
from hardpair.config.resolve import resolve

CLAIM = {"name": "c", "sentence": "B is better.", "contrasts": [{"better": "b", "than": "ce"}]}
PLAIN = [("variants", [{"name": "ce"}, {"name": "b", "loss": {"kind": "focal", "gamma": 2}}]), ("contrasts", [["b", "ce"]])]


def said(*changes):
    return list(doubts(resolve(changed(*PLAIN, ("claims", [CLAIM]), *changes))))


@pytest.mark.parametrize(
    ("looks", "seeds", "judged"),
    [
        ([6, 20], 10, "only the first 6 seeds count for the claims: list 20 seeds"),
        ([4, 6, 8], 7, "only the first 6 seeds count for the claims: list 8 seeds"),
        ([12, 20], 10, "no claim will be judged: list 20 seeds"),
        ([6, 8], 2, "no claim will be judged: list 8 seeds"),
        ([6, 8, 10], 10, None),
        ([6, 8, 10], 8, None),  # as at a look that has been taken
        ([6, 8], 10, None),
        ([4, 6], 4, None),
        ([], 6, None),
    ],
)
def test_looks_that_the_seeds_do_not_reach(looks, seeds, judged):
    found = said(("looks", looks), ("seeds", list(range(seeds))))
    expected = [f"looks is {looks}, but seeds has {seeds}, so {judged}, or change looks"] if judged else []
    assert found == expected
    assert list(doubts(resolve(changed(*PLAIN, ("claims", []), ("looks", looks), ("seeds", list(range(seeds))))))) == []


@pytest.mark.parametrize("seeds", [[0, 1], [0, 1, 2, 3, 4]])
def test_too_few_seeds_for_any_verdict(seeds):
    doubt = f"seeds has {len(seeds)}, but verdicts need 6, so no claim will be judged: list 6 seeds or more"
    assert said(("seeds", seeds)) == [doubt]
    assert said(("seeds", seeds), ("claims", [])) == []
    assert said(("seeds", seeds), ("data", {"kind": "synthetic", "name": "synthetic", "validation": 300})) == [], "as in the demo"


@pytest.mark.parametrize(
    ("changes", "measured"),
    [
        ([("data", {"kind": "cifar100", "name": "cifar100"}), ("pairs", [["maple_tree", "oak_tree"]])], "maple tree–oak tree"),
        ([("pairs", [["deer", "horse"], ["cat", "dog"]])], "deer–horse"),
        ([("pairs", "auto")], "a pair that it chooses"),
        ([("pairs", [["dog", "cat"], ["deer", "horse"]])], None),
        ([("data", {"kind": "synthetic", "name": "synthetic"})], None),
        ([], None),
    ],
)
def test_claims_of_config_yaml_about_a_pair_that_is_not_measured(changes, measured):
    about = "the claims are those of config/config.yaml, whose sentences are about cat–dog, but this study measures"
    changes = [*changes, ("data.validation", 300)]
    expected = [f"{about} {measured}: set claims to your own, or to []"] if measured else []
    assert list(doubts(resolve(changed(*changes)))) == expected
    assert list(doubts(resolve(changed(*changes, ("claims", []))))) == []


def test_variants_that_train_alike():
    same = [{"name": "ce"}, {"name": "b", "label": "another", "loss": {"kind": "cross_entropy"}}]
    alike = 'the variants "ce" and "b" have the same loss, sampler, network and recipe: their runs will not differ'
    assert said(("variants", same)) == [alike]
    for own in ({"loss": {"kind": "focal", "gamma": 2}}, {"network": {"kind": "resnet18"}}, {"recipe": {"momentum": 0.5}}):
        assert said(("variants", [{"name": "ce"}, {"name": "b"} | own]), ("search.enabled", False)) == []
    assert said(("variants.1.published", {"data": "cifar10", "pair": ["cat", "dog"], "accuracy": 0.8, "confusion": 0.1})) == []


def test_a_value_of_its_own_that_the_search_chooses_for_the_others():
    variants = [{"name": "ce"}, {"name": "b", "recipe": {"learning_rate": 0.0166, "refresh_every": 1}}]
    [doubt] = said(("variants", variants))
    assert doubt.startswith('the variant "b" keeps its own learning_rate, while the search chooses what the others have: ')
    assert said(("variants", variants), ("search.space.learning_rate", None)) == []
    assert said(("variants", variants), ("search.scope", "each")) == []
