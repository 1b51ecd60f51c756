"""The file registration.json: written by several at once, and damaged."""

import csv
import json
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardpair.comparison import registration
from hardpair.files import paths
from hardpair.study.register import register
from registered_study import Study, claim, tiny


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path / "tiny")


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def begin(folder, name, barrier):
    barrier.wait()
    register(folder, tiny(claims=[claim(name)]))


def test_of_several_that_begin_at_once_the_first_stays_and_none_is_cut(study):
    forked = multiprocessing.get_context("fork")
    barrier = forked.Barrier(4)
    names = [f"claim{number}" for number in range(4)]
    processes = [forked.Process(target=begin, args=(study.folder, name, barrier)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert not registration.read(study.path).problem
    assert study.entries()[0]["previous"] is None
    assert {entry["declared"]["claims"][0]["name"] for entry in study.entries()} <= set(names)
    assert len(list(study.folder.iterdir())) == 1


def test_an_entry_that_another_process_has_written_meanwhile_is_kept(study, monkeypatch):
    """As where the lock of the study does not reach: on another machine."""
    read, calls = registration.read, []

    def read_before_the_other_writes(path):
        found = read(path)
        if not calls:
            calls.append(path)
            register(study.folder, tiny(claims=[claim("theirs")]))
        return found

    monkeypatch.setattr(registration, "read", read_before_the_other_writes)
    register(study.folder, tiny(claims=[claim("ours")]))
    assert [entry["declared"]["claims"][0]["name"] for entry in study.entries()] == ["theirs", "ours"]


def test_a_filesystem_without_links_has_a_registration_too(study, monkeypatch):
    def no_links(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    assert study.register(tiny()) == [registration.BEFORE]
    assert len(list(study.folder.iterdir())) == 1


def rewritten(change):
    """Damage that leaves JSON behind, as of an editor."""

    def damage(text):
        value = json.loads(text)
        change(value)
        return json.dumps(value)

    return damage


def signed(change):
    """The same with hashes that fit."""

    def damage(value):
        for entry in value["entries"]:
            change(entry)
            entry["sha256"] = registration.digest(entry)

    return rewritten(damage)


DAMAGE = {
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "no JSON": lambda text: "{",
    "another file": lambda text: "[1, 2]",
    "deep": lambda text: "[" * 100_000,
    "a margin": rewritten(lambda value: value["entries"][0]["declared"]["margins"].update(accuracy=9)),
    "the runs": rewritten(lambda value: value["entries"][1].update(finished_runs=0)),
    "the first entry left out": rewritten(lambda value: value["entries"].pop(0)),
    "the order": rewritten(lambda value: value["entries"].reverse()),
    "no variant of that name": signed(lambda entry: entry["declared"]["variants"].clear()),
    "no margin": signed(lambda entry: entry["declared"]["margins"].clear()),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_registration_is_set_aside_and_said_to_be(study, damage, capsys):
    study.register(tiny())
    study.finish("ce/seed0")
    study.register(tiny(looks=[6]))
    damaged = DAMAGE[damage](study.path.read_text())
    study.path.write_text(damaged)
    [said] = study.said(tiny())
    assert said.startswith("not known to be registered: registration.json is damaged, ")
    assert "\n" not in said
    assert study.register(tiny()) == ["recorded again after 1 finished run: the registration before was damaged"]
    assert study.path.with_name("registration.json.damaged").read_text() == damaged
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.endswith("renamed to registration.json.damaged; a new one is started\n")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_a_problem(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / paths.REGISTRATION
    path.write_bytes(content)
    assert registration.read(path).problem


def test_a_last_entry_that_was_taken_away_is_not_noticed_but_recorded_later(study):
    """The limit of it: whoever writes the file can write another. A copy elsewhere shows it."""
    study.register(tiny())
    whole = study.entries()
    study.finish("ce/seed0")
    study.register(tiny(looks=[6]))
    study.path.write_text(json.dumps({"entries": whole}))
    study.finish("ce/seed1")
    assert study.register(tiny(looks=[6])) == ["declared after 2 finished runs: exploratory"]


@pytest.mark.parametrize(
    ("spoil", "declared"),
    [
        (Path.unlink, "first recorded after 6 finished runs: no registration was kept before"),
        (lambda path: path.write_text("{}\n"), "recorded again after 6 finished runs: the registration before was damaged"),
    ],
)
def test_a_lost_registration_makes_the_table_of_claims_stale(finished, tmp_path, spoil, declared):
    """Else it would still date the claims before the first run."""
    workspace = finished.copy(tmp_path)
    folder = workspace.folder / "results/tiny"
    assert {row["declared"] for row in read_csv(folder / "claims.csv")} == {registration.BEFORE}
    spoil(folder / "registration.json")
    assert "Compare the runs" in workspace.stale()
    workspace.snakemake()
    assert {row["declared"] for row in read_csv(folder / "claims.csv")} == {declared}
    assert declared[1:] in (folder / "comparison.md").read_text(), "a sentence of it, with a capital"
    assert workspace.stale() == set()
