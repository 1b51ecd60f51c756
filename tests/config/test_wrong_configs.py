"""Every wrong config ends in one sentence."""

import math
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changed_config import MISSING, SETTINGS, changed, sentence
from hardpair.config.resolve import resolve
from hardpair.errors import UserError

CE = {"kind": "cross_entropy"}
GENERATED = {"kind": "synthetic", "name": "s", "validation": 100}
PICTURES = {"kind": "folder", "name": "p", "source": "pictures"}
NO_SEARCH = [("data.validation", 0), ("search.enabled", False)]
PLAIN = [("variants", [{"name": "plain"}]), ("baseline", "plain"), ("contrasts", []), ("claims", [])]
NAME_RULE = "use 1 to 64 letters from a to z or A to Z, digits"
WRONG = {
    # keys
    "unknown key": ([("colour", "red")], "colour is not a key", "known keys are baseline, claims, compare"),
    "unknown key with a near miss": ([("variant", [])], "variant is not a key", "did you mean variants?"),
    "unknown key within": ([("recipe.learningrate", 0.1)], "recipe.learningrate is not a key", "did you mean learning_rate?"),
    "unknown key in a list": ([("variants.2.lable", "x")], "variants[2].lable is not a key", "did you mean label?"),
    "key of a variant": ([("loss", {"kind": "focal"})], "loss is not a key", "it belongs to variants"),
    "key of another section": ([("epochs", 5)], "epochs is not a key", "it belongs to recipe or search"),
    "key that was renamed": ([("evaluate", {"on": "test"})], "evaluate.on was renamed", "write evaluate.images"),
    "key that is no word": ([("a\nb <c>", 5)], '"a\\nb <c>" is not a key', "known keys are"),
    "key that is a number": ([("recipe", {7: 1})], "recipe.7 is not a key", "known keys are"),
    "no space after the colon": (
        [("recipe", {"epochs:20": None})],
        'recipe."epochs:20" is not a key: ',
        "write epochs: 20, with a space after the colon",
    ),
    "no space after the colon in a list": ([("variants.1", {"name:dfl": None})], 'variants[1]."name:dfl" is not a key', "write name: dfl,"),
    "no space after the colon of no key": ([("recipe", {"epoch:20": None})], 'recipe."epoch:20" is not a key', "did you mean epochs?"),
    "no study": ([("study", MISSING)], "study is missing", "add it"),
    "no kind of data": ([("data", {"name": "x"})], "data.kind is missing", "add it"),
    "variant without a name": ([("variants.0.name", MISSING)], "variants[0].name is missing", "add it"),
    "published without confusion": ([("variants.0.published.confusion", MISSING)], "variants[0].published.confusion is missing", "add it"),
    "name of other images": (
        [("data", PICTURES | {"name": "cifar10"})],
        'data.name is "cifar10", which other images have, but data.kind is folder',
        "give data.name another value",
    ),
    "looks at a pair that may change": (
        [("pairs", "auto"), ("looks", [6, 10]), ("evaluate", {"images": "test"})],
        "pairs is auto, but looks are declared",
        "name the pairs",
    ),
    "claim about no variant": (
        [("claims.0.contrasts.0.better", "dlf")],
        'claims[0].contrasts[0].better names the variant "dlf", which variants does not have',
        "did you mean dfl?",
    ),
    # types
    "one pair without its own brackets": ([("pairs", ["cat", "dog"])], 'pairs[0] is "cat"', "a list such as [cat, …]"),
    "number for a text": ([("study", 2024)], "study is 2024", "it must be text (put it in quotes)"),
    "date for a text": ([("study", date(2024, 5, 1))], 'study is "2024-05-01"', "it must be text (put it in quotes)"),
    "yes read as true": ([("variants.0.name", True)], "variants[0].name is true", "it must be text (put it in quotes)"),
    "number in quotes": (
        [("recipe.weight_decay", "5e-4")],
        'recipe.weight_decay is "5e-4"',
        "a number (remove the quotes, or write 5.0e-4)",
    ),
    "number with a point in quotes": ([("recipe.weight_decay", "5.5e-4")], 'recipe.weight_decay is "5.5e-4"', "(remove the quotes)"),
    "number without a sign in quotes": ([("recipe.weight_decay", "5.5e0")], 'recipe.weight_decay is "5.5e0"', "or write 5.5e+0)"),
    "number in quotes in a list": ([("search.space.learning_rate", ["0.1", 0.2])], "search.space.learning_rate[0]", "(remove the quotes)"),
    "whole number in quotes": ([("recipe.batch_size", "1e2")], "recipe.batch_size", "a whole number (remove the quotes, or write 1.0e+2)"),
    "fraction in quotes for a whole number": ([("recipe.batch_size", "2.5")], 'recipe.batch_size is "2.5"', "it must be a whole number"),
    "one seed for a list of seeds": ([("seeds", 3)], "seeds is 3", "it must be a list such as [0, 1, 2]"),
    "one large seed": ([("search.seeds", 1000)], "search.seeds is 1000", "it must be a list such as [1000]"),
    "one look": ([("looks", 6)], "looks is 6", "it must be a list such as [6]"),
    "no for a switch": ([("search.enabled", "no")], 'search.enabled is "no"', "it must be true or false (write false)"),
    "On for a switch": ([("search.enabled", "On")], 'search.enabled is "On"', "it must be true or false (write true)"),
    "an empty class": ([("pairs", [["cat", None]])], "pairs[0][1] is null", "or put the word in quotes"),
    "fraction for a whole number": ([("recipe.epochs", 2.5)], "recipe.epochs is 2.5", "it must be a whole number"),
    "true for a number": ([("recipe.learning_rate", True)], "recipe.learning_rate is true", "it must be a number"),
    "true for a whole number": ([("recipe.epochs", True)], "recipe.epochs is true", "it must be a whole number"),
    "true for a seed": ([("seeds", [0, True])], "seeds[1] is true", "it must be a whole number"),
    "number for a switch": ([("search.enabled", 1)], "search.enabled is 1", "it must be true or false"),
    "empty data": ([("data", None)], "data is null", "fill it in or remove it"),
    "empty recipe": ([("recipe", None)], "recipe is null", "fill it in or remove it"),
    "empty search space": ([("search.space", None)], "search.space is null", "fill it in or remove it"),
    "empty loss": ([("variants.1.loss", None)], "variants[1].loss is null", "a map of keys"),
    # choices
    "unknown kind of data": ([("data.kind", "mnist")], 'data.kind is "mnist"', "choose one of cifar10, cifar100, folder, synthetic"),
    "loss that is no map": ([("variants.1.loss", "focal")], 'variants[1].loss is "focal"', "a map of keys"),
    "loss without a kind": ([("variants.1.loss", {"gamma": 2})], "variants[1].loss.kind is missing", "one of cross_entropy, focal"),
    "unknown loss": ([("variants.1.loss.kind", "dice")], 'variants[1].loss.kind is "dice"', "or list your own file in plugins"),
    "nearly a loss": ([("variants.1.loss.kind", "crossentropy")], "variants[1].loss.kind", "did you mean cross_entropy?"),
    "loss that is a list": ([("variants.1.loss.kind", ["focal"])], 'variants[1].loss.kind is ["focal"]', "did you mean focal?"),
    "option of another loss": ([("variants.0.loss", CE | {"gamma": 2})], "variants[0].loss.gamma is not a key of kind", "keys are kind"),
    "misspelt option of a loss": ([("variants.1.loss.gama", 1)], "variants[1].loss.gama is not a key of kind focal", "did you mean gamma?"),
    "scale of a sampler": ([("variants.2.sampler.scale", 1)], "variants[2].sampler.scale is not a key of kind focal", "gamma, kind"),
    "negative gamma": ([("variants.2.sampler.gamma", -1)], "variants[2].sampler.gamma is -1", "it must be at least 0"),
    # bounds
    "no epochs": ([("recipe.epochs", 0)], "recipe.epochs is 0", "it must be at least 1"),
    "dropout of everything": ([("recipe.dropout", 1)], "recipe.dropout is 1", "it must be less than 1"),
    "no learning rate": ([("recipe.learning_rate", 0)], "recipe.learning_rate is 0", "it must be more than 0"),
    "seed of 33 bits": ([("seeds", [2**32])], "seeds[0] is 4294967296", "it must be at most 4294967295"),
    "NaN": ([("recipe.weight_decay", math.nan)], "recipe.weight_decay is nan", "give a finite number"),
    "number of 301 digits": (
        [("recipe.learning_rate", 1e300)],
        "recipe.learning_rate is 1e+300, a number of more than 18 digits",
        "smaller",
    ),
    "infinity": ([("recipe.learning_rate", math.inf)], "recipe.learning_rate is inf", "give a finite number"),
    "infinite epochs": ([("recipe.epochs", math.inf)], "recipe.epochs is Infinity", "it must be a whole number"),
    "NaN with a step": ([("difficulty.easy", math.nan)], "difficulty.easy is nan", "give a finite number"),
    "threshold between percents": ([("difficulty.easy", 0.805)], "difficulty.easy is 0.805", "a multiple of 0.01"),
    "size that pooling cannot halve": ([("data.synthetic.size", 20)], "data.synthetic.size is 20", "a multiple of 8"),
    "pair of three": ([("pairs", [["cat", "dog", "deer"]])], "pairs[0]", "a list of 2 entries"),
    "range of one": ([("search.space.momentum", [0.9])], "search.space.momentum is [0.9]", "a list of 2 entries"),
    "empty source": ([("data.source", "")], 'data.source is ""', "1 or more characters"),
    "address that is none": ([("data.urls", ["ftp://example.org/x"])], "data.urls[0]", "http:// or https://"),
    # repetition
    "seed twice": ([("seeds", [0, 1, 0])], "seeds is [0, 1, 0]", "without repetition"),
    "name twice": ([("variants.1.name", "ce")], 'variants: two have the name "ce"', "give each a different name"),
    "label twice": ([("variants.1.label", "CrossEntropy")], 'variants: two have the label "CrossEntropy"', "give each a different label"),
    "label that is another's name": ([("variants.1", {"name": "CrossEntropy"})], 'variants: two have the label "CrossEntropy"', "label"),
    "labels that look alike": (
        [("variants.0.label", "A"), ("variants.1.label", "A ")],
        'variants: two have the label "A"',
        "different label",
    ),
    "blank label": ([("variants.1.label", "  ")], 'variants[1].label is "  "', "write a name that can be seen"),
    "names that differ in case": ([("variants.1.name", "CE")], 'variants[1].name is "CE"', "rename one of them"),
    "contrast twice": ([("contrasts", [["dfl", "ce"], ["dfl", "ce"]])], "contrasts is", "without repetition"),
    "contrast turned round": ([("contrasts", [["dfl", "ce"], ["ce", "dfl"]])], 'contrasts[1] is ["ce", "dfl"]', "remove one"),
    "published pair of one class": (
        [("variants.1.published.pair", ["cat", "cat"])],
        'variants[1].published.pair names "cat" twice',
        "name two classes",
    ),
    "published epochs that fall": (
        [("variants.1.published.scale", [[10, 1], [5, 2]])],
        "variants[1].published.scale has values of the epochs [10, 5]",
        "once, in rising order",
    ),
    "published epoch twice": (
        [("variants.1.published.easy", [[5, 0.1], [5, 0.2]])],
        "variants[1].published.easy has values of the epochs [5, 5]",
        "once, in rising order",
    ),
    "more pairs than there are": ([("pairs", {"auto": 46})], "pairs.auto is 46, but the 10 classes of cifar10 have 45 pairs", "lower it"),
    "key of a section in a map of another": (
        [("compare.margins.loss", 1)],
        "compare.margins.loss is not a key",
        "known keys are accuracy, confusion",
    ),
    "pair twice": ([("pairs", [["cat", "dog"], ["cat", "dog"]])], 'pairs[1] is ["cat", "dog"]', "remove one"),
    # names that do not fit together
    "unknown baseline": ([("baseline", "cee")], 'baseline names the variant "cee"', "did you mean ce?"),
    "unknown variant in a contrast": ([("contrasts.1", ["mixup", "ce"])], 'contrasts[1] names the variant "mixup"', "choose from ce, dfl"),
    "unknown variant in the search": ([("search.variants", ["none"])], 'search.variants names the variant "none"', "choose from ce, dfl"),
    "search of a variant that is gone": ([("search", {}), *PLAIN], 'search.variants names the variant "ce"', "choose from plain"),
    "claim without its contrast": (
        [("contrasts", [["dfl", "ce"]])],
        'claims[2].contrasts[0] compares "dfl" with "dfl_sampler"',
        "add [dfl, dfl_sampler] there",
    ),
    "claim by an unknown measure": (
        [("claims.0.contrasts.0", {"better": "dfl", "than": "ce", "measures": ["nll"]})],
        "claims[0].contrasts[0].measures[0]",
        "accuracy, confusion",
    ),
    "one margin for all measures": ([("compare", {"margin": 0.002})], "compare.margin was renamed", "write compare.margins"),
    "margin of another measure": ([("compare.margins.nll", 1)], "compare.margins.nll is not a key", "known keys are accuracy, confusion"),
    "claim of a variant against itself": (
        [("claims.0.contrasts.0", {"better": "dfl", "than": "dfl"})],
        'claims[0].contrasts[0] compares "dfl" with itself',
        "name two variants",
    ),
    "two claims of one name": (
        [("claims", [{"name": "helps", "sentence": text, "contrasts": [{"better": "dfl", "than": "ce"}]} for text in ("A.", "B.")])],
        'claims: two have the name "helps"',
        "give each a different name",
    ),
    "part of a claim twice": (
        [("claims.0.contrasts", [{"better": "dfl", "than": "ce"}, {"better": "dfl", "than": "ce", "measures": ["accuracy"]}])],
        'claims[0].contrasts[1] compares "dfl" with "ce" in accuracy, as an earlier part of the claim "dfl_confuses_less" does',
        "remove one of them",
    ),
    "claim in both directions": (
        [("claims.3.contrasts", [{"better": "ce_sampler", "than": "ce"}, {"better": "ce", "than": "ce_sampler"}])],
        'claims[3].contrasts[1] compares "ce" with "ce_sampler" in accuracy, as an earlier part',
        "remove one of them",
    ),
    "two claims of the same parts": (
        [("claims.3.contrasts", [{"better": "dfl", "than": "dfl_sampler", "measures": [each]} for each in ("confusion", "accuracy")])],
        'claims[3].contrasts are the same tests as those of the claim "combining_hurts"',
        "remove one of the two claims",
    ),
    "two claims of one part in both directions": (
        [("claims.1.contrasts", [{"better": "ce", "than": "dfl", "measures": ["confusion"]}])],
        'claims[1].contrasts are the same tests as those of the claim "dfl_confuses_less"',
        "remove one of the two claims",
    ),
    "looks in disorder": ([("looks", [6, 4])], "looks is [6, 4]", "in rising order"),
    "looks twice": ([("looks", [6, 6])], "looks is [6, 6]", "without repetition"),
    "look at two seeds": ([("looks", [2, 6])], "looks[0] is 2", "at least 3"),
    "looks that end too early": ([("looks", [4, 5])], "looks ends with 5 seeds, but verdicts need 6", "add a look"),
    "search on the images that judge": (
        [("evaluate.images", "validation")],
        "search.enabled is true, but evaluate.images is validation",
        "evaluate.images to test or disable the search",
    ),
    "pairs by the images that judge": (
        [("evaluate.images", "validation"), ("search.enabled", False), ("pairs", "auto")],
        "pairs is auto, but evaluate.images is validation",
        "evaluate.images to test or name the pairs",
    ),
    "contrast with itself": ([("contrasts", [["dfl", "dfl"]])], "contrasts[0]", "name two variants"),
    "unknown class": ([("pairs", [["cat", "wolf"]])], 'pairs[0] names the class "wolf", which cifar10', "choose from airplane"),
    "class with a capital": ([("pairs", [["cat", "dog"], ["Cat", "deer"]])], 'pairs[1] names the class "Cat"', "did you mean cat?"),
    "class of other data": ([("data.kind", "cifar100")], 'pairs[0] names the class "cat", which cifar100', "did you mean "),
    "reference about other classes": ([("references.0.pair", ["cat", "wolf"])], 'references[0] names the class "wolf"', "choose from"),
    "published of no data": ([("variants.0.published.data", "cifar")], 'variants[0].published.data is "cifar"', "did you mean cifar"),
    "reference about no data": ([("references.0.data", "cifar")], 'references[0].data is "cifar", which is no', "did you mean cifar"),
    "pairs by themselves": ([("pairs", "automatic")], 'pairs is "automatic"', "give a list of pairs such as [[cat, dog]], or auto"),
    "no pair by itself": ([("pairs", {"auto": 0})], "pairs.auto is 0", "at least 1"),
    "pairs without a number": ([("pairs", {})], "pairs.auto is missing", "add it"),
    "pairs chosen on nothing": (
        [*NO_SEARCH, ("pairs", "auto")],
        "pairs is auto, but data.validation is 0",
        "hold some out or name the pairs",
    ),
    "class with itself": ([("pairs", [["cat", "cat"]])], 'pairs[0] names "cat" twice', "name two classes"),
    # numbers that do not fit together
    "seed of the search": ([("search.seeds", [1000, 3])], "search.seeds and seeds share [3]", "give the search other seeds"),
    "recipe outside the space": (
        [("recipe.learning_rate", 0.1)],
        "recipe.learning_rate is 0.1, outside search.space",
        "so change either",
    ),
    "space upside down": ([("search.space.dropout", [0.7, 0.2])], "search.space.dropout is [0.7, 0.2]", "give the lowest value first"),
    "drops out of order": ([("recipe.lr_drops", [0.8, 0.5])], "recipe.lr_drops is [0.8, 0.5]", "in rising order"),
    "drops of a variant out of order": (
        [("variants.1.recipe", {"lr_drops": [0.8, 0.5]})],
        "variants[1].recipe.lr_drops is [0.8, 0.5]",
        "in rising order",
    ),
    "Nesterov without momentum": (
        [("recipe.nesterov", True), ("recipe.momentum", 0), ("search.enabled", False)],
        "recipe.nesterov is true, but momentum is 0",
        "set nesterov to false, or use sgd with momentum",
    ),
    "Nesterov of AdamW in a variant": (
        [("recipe.nesterov", True), ("variants.1.recipe", {"optimizer": "adamw"})],
        "variants[1].recipe.nesterov is true, but adamw has no Nesterov momentum",
        "set nesterov to false",
    ),
    "a warm-up as long as the run": (
        [("recipe.warmup_epochs", 50), ("search.enabled", False)],
        "recipe.warmup_epochs is 50, but the run has 50 epochs",
        "use a shorter warm-up",
    ),
    "an unknown optimiser": ([("recipe.optimizer", "adam")], 'recipe.optimizer is "adam"', "choose one of sgd, adamw"),
    "a gradient of no length": ([("recipe.clip_gradient", 0)], "recipe.clip_gradient is 0", "more than 0"),
    "epochs of a variant": ([("variants.1.recipe", {"epochs": 5})], "variants[1].recipe.epochs is not a key", "it belongs to"),
    "a wrong rate of a variant": ([("variants.1.recipe", {"learning_rate": 0})], "variants[1].recipe.learning_rate is 0", "more than 0"),
    "too many images": (
        [("data.training", 46000)],
        "data.training and data.validation need 51000 images, but cifar10 has 50000",
        "lower one",
    ),
    "validation takes all": (
        [("data.validation", 50000)],
        "data.validation is 50000, but cifar10 has 50000 images for training",
        "lower it",
    ),
    "more than is generated": (
        [("data", GENERATED | {"validation": 3000})],
        "data.validation is 3000, but synthetic has 3000 images for training",
        "lower it",
    ),
    "search on nothing": ([("data.validation", 0)], "search.enabled is true, but data.validation is 0", "hold some out or disable it"),
    "validation on nothing": ([*NO_SEARCH, ("evaluate.images", "validation")], "evaluate.images is validation, but", "or evaluate on test"),
    "size of official images": ([("data.size", 64)], "data.size is 64, but images of data.kind cifar10 have no such key", "remove it"),
    "no share of test images": ([("data", PICTURES | {"test_share": 0})], "data.test_share is 0", "more than 0"),
    "size of pictures that pooling cannot halve": ([("data", PICTURES | {"size": 20})], "data.size is 20", "a multiple of 8"),
    "pictures from nowhere": ([("data", PICTURES | {"source": None})], "data.source is missing", "name the folder, zip or tar"),
    "source of generated images": ([("data", GENERATED | {"source": "x.tgz"})], "data.source is set, but data.kind", "remove one of them"),
    "hard above easy": ([("difficulty", {"easy": 0.5, "hard": 0.6})], "difficulty.hard is 0.6, above difficulty.easy 0.5", "lower it"),
}


for name in ["", *". .. ../up a/b a\\b a;b $(x) `x` <script> naïve 数 -x .x _x {x}".split(), "a b", "a\n", "x" * 65]:
    for key, where in (("study", "study"), ("data.name", "data.name"), ("variants.0.name", "variants[0].name")):
        WRONG[f"{key} called {name!r}"] = ([(key, name)], f"{where} is ", NAME_RULE)


@pytest.mark.parametrize(("changes", "problem", "advice"), WRONG.values(), ids=[ascii(name) for name in WRONG])
def test_a_wrong_config_gets_one_sentence_with_the_key_and_what_to_do(changes, problem, advice):
    message = sentence(changed(*changes))
    assert message.startswith(f"config: {problem}")
    assert advice in message[len(f"config: {problem}") :]
    assert message.isprintable(), "one line, and nothing that a terminal would act on"
    assert len(message) < 250


@pytest.mark.parametrize(
    ("key", "value", "form"),
    [
        ("network", "resnet18", "a map of keys such as {kind: resnet18}"),
        ("network", 5, "a map of keys such as {kind: cnn}"),
        ("network", "torchvision", "a map of keys such as {kind: torchvision, name: …}"),
        ("variants.0.loss", ["focal"], "a map of keys such as {kind: focal}"),
        ("variants.0.sampler", "x\ny", "a map of keys such as {kind: …}"),
        ("variants.0", "ce", "a map of keys such as {name: ce}"),
        ("data", "cifar100", "a map of keys such as {kind: cifar100, name: …}"),
        ("search", False, "a map of keys such as {enabled: false}"),
        ("search", "off", "a map of keys such as {enabled: false}"),
        ("search", 5, "a map of keys such as {enabled: true}"),
        ("recipe", 5, "a map of keys such as {epochs: 5}"),
        ("recipe", "adamw", "a map of keys such as {epochs: 50}"),
        ("claims.0.contrasts.0", ["dfl", "ce"], "a map of keys such as {better: dfl, than: ce}"),
        ("claims", "none", "a list such as []"),
        ("claims", "A is better", "a list such as [{name: A is better, sentence: …, contrasts: …}]"),
        ("variants", {"ce": {"loss": {"kind": "focal"}}}, "a list such as [{name: ce}]"),
        ("variants", {"name": "ce", "label": 5}, "a list such as [{name: ce}]"),
        ("contrasts", "dfl, ce", "a list such as [[a, b]]"),
        ("plugins", "a.py, b.py", "a list such as [a.py, b.py]"),
        ("seeds", "0..9", "a list such as [0, 1, 2]"),
        ("seeds", "0,1", "a list such as [0, 1]"),
        ("seeds", "9" * 5000, "a list such as [0, 1, 2]"),
        ("looks", "all", "a list such as [6, 8, 10]"),
        ("recipe.lr_drops", 0.5, "a list such as [0.5, 0.8]"),
    ],
)
def test_a_value_of_another_type_is_answered_with_the_form_of_a_right_one(key, value, form):
    assert sentence(changed((key, value))).endswith(f": it must be {form}")


@pytest.mark.parametrize("kind", ["cifar10", "folder"])
def test_a_path_that_is_too_long_ends_in_one_sentence(kind):
    path = "x" * 300
    data = {"kind": kind, "name": kind, "source": path, "validation": 9}
    assert sentence(changed(("data", data))) == f"config: data.source {path} cannot be read (File name too long): name another"
    missing = f"config: plugins names {path}.py, which does not exist: check the path, which starts from the working directory"
    assert sentence(changed(("plugins", [f"{path}.py"]))) == missing


def test_a_nearly_right_variant_gets_that_advice_alone():
    assert sentence(changed(("baseline", "cee"))).endswith('"cee", which variants does not have: did you mean ce?')


@pytest.mark.parametrize("config", [None, [], "study", 5, True])
def test_a_config_that_is_no_map_gets_one_sentence(config):
    assert re.match(r"config: the config is .+: it must be a map of keys", sentence(config))


def test_without_a_search_its_settings_are_not_held_against_the_config():
    off = ("search", {"enabled": False, "variants": ["gone"], "seeds": [0], "space": {"dropout": [0.9, 0.1]}})
    assert resolve(changed(off, ("data.validation", 0)))["search"]["seeds"] == [0]


PLACES = "study data pairs variants seeds recipe search contrasts difficulty recipe.lr_drops data.source variants.1.loss search.space"


@given(st.sampled_from(PLACES.split()), SETTINGS)
def test_any_config_is_accepted_or_refused_in_one_line(key, value):
    config = changed((key, value))
    try:
        resolve(config)
    except UserError:
        assert sentence(config).isprintable()
