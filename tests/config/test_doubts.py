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
        ([], 2, None),
    ],
)
def test_looks_that_the_seeds_do_not_reach(looks, seeds, judged):
    found = said(("looks", looks), ("seeds", list(range(seeds))))
    expected = [f"looks is {looks}, but seeds has {seeds}, so {judged}, or change looks"] if judged else []
    assert found == expected
    assert list(doubts(resolve(changed(*PLAIN, ("claims", []), ("looks", looks), ("seeds", list(range(seeds))))))) == []


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
