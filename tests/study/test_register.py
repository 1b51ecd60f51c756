"""When claims are called declared before the runs, and what keeps the record of it."""

import copy
import hashlib
import json
from datetime import UTC, datetime

import pytest

from hardpair.comparison import registration
from hardpair.files import paths
from registered_study import Study, claim, tiny

BEFORE = registration.BEFORE


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path / "tiny")


def test_the_first_entry_holds_what_is_declared_and_when(study):
    config = tiny(looks=[6, 8], compare={"margins": {"accuracy": 0.4}}, seeds=list(range(8)))
    start = datetime.now(UTC).replace(microsecond=0)
    assert study.register(config) == [BEFORE]
    [entry] = study.entries()
    declared = entry["declared"]
    assert declared["claims"] == config["claims"]
    assert declared["contrasts"] == [["dfl", "ce"]]
    assert declared["margins"]["accuracy"] == 0.4
    assert (declared["looks"], declared["seeds"]) == ([6, 8], list(range(8)))
    assert declared["variants"]["dfl"]["loss"]["gamma"] == 2
    assert start <= datetime.fromisoformat(entry["time"]) <= datetime.now(UTC)
    assert (entry["finished_runs"], entry["imported"], entry["previous"]) == (0, [], None)
    rest = {key: value for key, value in entry.items() if key != "sha256"}
    assert entry["sha256"] == hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def test_a_study_that_goes_on_with_the_same_claims_leaves_every_byte(study):
    study.register(tiny())
    before = study.path.read_bytes()
    study.finish("ce/seed0", "dfl/seed0")
    assert study.register(tiny()) == [BEFORE]
    assert study.path.read_bytes() == before
    assert [path.name for path in study.folder.iterdir() if path.is_file()] == [paths.REGISTRATION], "no temporary file is left"


def test_a_claim_that_is_added_after_runs_is_marked_and_the_others_are_not(study):
    study.register(tiny())
    first = study.entries()
    study.finish("ce/seed0", "dfl/seed0")
    more = tiny(claims=[claim("new", "ce_sampler", measures=["accuracy"]), claim()], contrasts=[["dfl", "ce"], ["ce_sampler", "ce"]])
    assert study.said(more) == ["not registered: exploratory", BEFORE]
    assert study.register(more) == ["declared after 2 finished runs: exploratory", BEFORE]
    assert study.entries()[:1] == first
    assert study.entries()[1]["previous"] == first[0]["sha256"]
    study.finish("ce/seed1")
    assert study.register(more) == ["declared after 2 finished runs: exploratory", BEFORE]
    assert study.register(tiny()) == [BEFORE], "back to what was declared first"


DFL = {"name": "dfl", "loss": {"kind": "focal", "gamma": 2, "scale": "dynamic"}}
CHANGED = {
    "a margin of its measure": {"compare": {"margins": {"confusion": 0.2}}},
    "looks": {"looks": [6]},
    "direction": {"claims": [claim(better="ce", than="dfl")]},
    "fewer measures": {"claims": [claim(measures=["accuracy"])]},
    "a control": {"claims": [claim() | {"control": True}]},
    "images": {"evaluate": {"images": "validation"}, "search": {"enabled": False}},
    "the pair": {"pairs": [["cat", "deer"]]},
    "a network": {"variants": [{"name": "ce"}, DFL | {"network": {"kind": "resnet18"}}]},
    "a sampler": {"variants": [{"name": "ce"}, DFL | {"sampler": {"kind": "focal", "gamma": 2}}]},
    "a recipe of its own": {"variants": [{"name": "ce"}, DFL | {"recipe": {"learning_rate": 0.02}}], "search": {"enabled": False}},
    "a variant": {"variants": [{"name": "ce"}, {"name": "dfl", "loss": {"kind": "focal", "gamma": 5, "scale": "dynamic"}}]},
}
SAME = {
    "words": {"claims": [claim("other_name") | {"sentence": "Said otherwise."}]},
    "the order of measures": {"claims": [claim(measures=["confusion", "accuracy"])]},
    "a contrast more": {"contrasts": [["dfl", "ce"], ["ce_sampler", "ce"]]},
    "the order of the pair": {"pairs": [["dog", "cat"]]},
    "a pair more": {"pairs": [["cat", "dog"], ["truck", "ship"]]},
    "names of variants": {
        "variants": [{"name": "plain"}, {"name": "loss", "loss": {"kind": "focal", "gamma": 2, "scale": "dynamic"}}],
        "baseline": "plain",
        "contrasts": [["loss", "plain"]],
        "claims": [claim(better="loss", than="plain")],
        "search": {"enabled": False},
    },
    "labels": {"variants": [{"name": "ce", "label": "X"}, {"name": "dfl", "loss": {"kind": "focal", "gamma": 2, "scale": "dynamic"}}]},
}


@pytest.mark.parametrize("change", CHANGED)
def test_what_a_claim_compares_makes_it_another_claim(study, change):
    study.register(tiny())
    study.finish("ce/seed0")
    assert study.register(tiny(**CHANGED[change])) == ["declared after 1 finished run: exploratory"]


@pytest.mark.parametrize("change", SAME)
def test_words_and_what_it_does_not_use_leave_it_the_same_claim(study, change):
    study.register(tiny())
    study.finish("ce/seed0")
    assert study.register(tiny(**SAME[change])) == [BEFORE]


def test_a_margin_of_a_measure_that_no_part_has_changes_nothing(study):
    study.register(tiny(claims=[claim(measures=["accuracy"])]))
    study.finish("ce/seed0")
    assert study.register(tiny(claims=[claim(measures=["accuracy"])], compare={"margins": {"confusion": 0.1}})) == [BEFORE]


def test_other_seeds_are_said_beside_the_claim(study):
    study.register(tiny())
    study.finish("ce/seed0", "ce/seed1")
    assert study.register(tiny(seeds=[0, 1, 2])) == [f"{BEFORE}; the seeds were changed after 2 finished runs"]
    assert study.register(tiny(seeds=[1, 0])) == [BEFORE], "their order means nothing without looks"


def test_claims_may_change_until_a_run_has_finished(study):
    study.register(tiny())
    assert study.register(tiny(looks=[6], seeds=[0, 1, 2])) == [BEFORE]
    assert len(study.entries()) == 2


def test_runs_that_were_removed_have_been_seen(study):
    study.register(tiny())
    study.finish("ce/seed0")
    study.register(tiny(looks=[6]))
    (study.folder / paths.RUNS / "ce/seed0/run.json").unlink()
    assert study.register(tiny(looks=[8])) == ["declared after 1 finished run: exploratory"]


def test_runs_that_were_removed_before_anything_changed_have_been_seen_too(study):
    study.register(tiny())
    (study.folder / paths.EVALUATED.format(variant="ce", seed=0)).parent.mkdir(parents=True)
    (study.folder / paths.EVALUATED.format(variant="ce", seed=0)).touch()
    assert study.register(tiny(claims=[claim(better="ce", than="dfl")])) == ["declared after 1 finished run: exploratory"]


def test_claims_that_were_removed_after_runs_are_said_beside_those_that_are_left(study):
    """Their p is adjusted for fewer claims."""
    first, second, third = claim(), claim("second", measures=["accuracy"]), claim("third", measures=["confusion"])
    control = third | {"control": True}
    assert study.register(tiny(claims=[first, second, third])) == [BEFORE] * 3
    assert study.register(tiny(claims=[first, second])) == [BEFORE] * 2, "no run has finished"
    study.finish("ce/seed0", "ce/seed1")
    assert study.register(tiny(claims=[first])) == [f"{BEFORE}; 1 claim beside it was removed after 2 finished runs"]
    assert study.register(tiny(claims=[second])) == [f"{BEFORE}; 1 claim beside it was removed after 2 finished runs"]
    assert study.register(tiny(claims=[first, second])) == [BEFORE] * 2, "all are back"
    assert study.said(tiny(claims=[first])) == [f"{BEFORE}; 1 claim beside it was removed later"]
    added = study.register(tiny(claims=[first, second, control]))
    assert added == [BEFORE, BEFORE, "declared after 2 finished runs: exploratory"]
    assert study.register(tiny(claims=[first, second])) == [BEFORE] * 2, "a control does not count"


def test_a_claim_that_was_changed_was_not_removed(study):
    """p of the claim beside it is adjusted for as many claims as were planned."""
    first, second, third = claim(), claim("second", measures=["accuracy"]), claim("third", measures=["confusion"])
    study.register(tiny(claims=[first, second, third]))
    study.register(tiny(claims=[first, second]))
    study.finish("ce/seed0", "ce/seed1")
    changed = claim("second", better="ce", than="dfl", measures=["accuracy"])
    assert study.register(tiny(claims=[first, changed])) == [BEFORE, "declared after 2 finished runs: exploratory"]
    assert study.register(tiny(claims=[first])) == [f"{BEFORE}; 1 claim beside it was removed after 2 finished runs"]


@pytest.mark.parametrize(
    ("count", "changed"), [(2, False), (4, False), (5, False), (6, False), (7, True), (8, True)], ids=lambda value: str(value)
)
def test_seeds_that_no_look_uses_do_not_count(study, count, changed):
    """Seeds 0 to 5 were planned, with looks at 4 and 6; from 7 on, another seed comes first."""
    study.register(tiny(looks=[4, 6], seeds=list(range(6))))
    study.finish("ce/seed0")
    seeds = [9, *range(1, count)] if changed else list(range(count))
    said = study.register(tiny(looks=[4, 6], seeds=seeds))
    assert said == [BEFORE + "; the seeds were changed after 1 finished run" * changed]
    assert study.register(tiny(looks=[4, 6], seeds=list(range(9)))) == [BEFORE], "seeds after the last look"


def test_seeds_that_were_changed_before_a_run_had_finished_stay_so_at_each_look(study):
    """``settle`` registers the seeds of each look."""
    study.register(tiny(looks=[4, 6], seeds=list(range(6))))
    study.register(tiny(looks=[4, 6], seeds=list(range(10, 16))))
    study.finish("ce/seed0")
    for seeds in (range(10, 14), range(10, 16), range(10, 19)):
        assert study.register(tiny(looks=[4, 6], seeds=list(seeds))) == [BEFORE]


def test_a_registration_without_entries_is_damaged(study, capsys):
    study.folder.mkdir(parents=True, exist_ok=True)
    (study.folder / paths.REGISTRATION).write_text('{"entries": []}')
    study.finish("ce/seed0")
    assert study.register(tiny()) == ["recorded again after 1 finished run: the registration before was damaged"]
    assert "is damaged, it has no entry: renamed to registration.json.damaged; a new one is started" in capsys.readouterr().err
    assert len(study.entries()) == 1


def test_a_study_older_than_its_registration_says_so(study):
    study.finish("ce/seed0", "ce/seed1", "dfl/seed0")
    assert study.said(tiny()) == [registration.NOT_KEPT]
    assert study.register(tiny()) == ["first recorded after 3 finished runs: no registration was kept before"]


# --------------------------------------------------------------------------------------------------------------- imported


def test_imported_runs_may_be_older_than_the_claims(study):
    study.register(tiny())
    study.finish("ce/seed0", "dfl/seed0")
    assert study.register(tiny(), imported=["ce/seed0", "dfl/seed0"]) == [f"{BEFORE}; 2 runs imported since then may be older"]
    assert study.register(tiny(), imported=["ce/seed0"]) == [f"{BEFORE}; 2 runs imported since then may be older"], "counted once"
    assert [entry["finished_runs"] for entry in study.entries()] == [0, 2, 2]


def test_an_import_into_a_study_without_registration_writes_it_after_the_runs(study):
    study.finish("ce/seed0", "dfl/seed0")
    said = study.register(tiny(), imported=["ce/seed0", "dfl/seed0"])
    assert said == ["first recorded after 2 finished runs: no registration was kept before"]


def test_what_is_declared_does_not_depend_on_the_order_of_keys():
    config = tiny()
    turned = copy.deepcopy(config)
    turned["claims"] = [dict(reversed(entry.items())) for entry in config["claims"]]
    declared = registration.declared(turned)
    assert registration.keys(declared | {"margins": dict(reversed(declared["margins"].items()))}) == registration.keys(
        registration.declared(config)
    )


# ----------------------------------------------------------------------------------------------------------- in a workflow


def test_a_margin_that_is_changed_after_the_runs_is_said_in_the_tables_and_the_report(finished, tmp_path):
    study = finished.copy(tmp_path / "study")
    results = study.folder / "results/tiny"
    assert Study(results).said(tiny()) == [BEFORE]
    assert f"{BEFORE[0].upper()}{BEFORE[1:]}." in (results / "comparison.md").read_text()
    with open(study.folder / "tiny.yaml", "a") as file:
        file.write("compare: {margins: {accuracy: 5, confusion: 9}}\n")
    before = (results / paths.REGISTRATION).read_bytes()
    assert not {job for job in study.stale() if job.startswith(("Train", "Evaluate"))}
    assert (results / paths.REGISTRATION).read_bytes() == before, "a dry run writes nothing"
    study.snakemake()
    assert len(Study(results).entries()) == 2
    said = "declared after 6 finished runs: exploratory"
    assert (results / "claims.csv").read_text().endswith(f",{said}\n")
    assert f"claim helps: {said}\n" in study.run("make", "--silent", "--old-file=setup", "status", "STUDY=tiny").stdout
    for name in ("comparison.md", "report.html"):
        assert f"{said[0].upper()}{said[1:]}." in (results / name).read_text()
