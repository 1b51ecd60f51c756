"""What is read of a run's files is what is checked when they are read."""

import json
from types import SimpleNamespace

import pytest

import fake_study
from hardpair.comparison import tables as comparison_tables
from hardpair.files import formats, shapes
from hardpair.report import provenance, tables
from hardpair.training import job


def required(value, shape):
    """What a file must hold to be taken, and nothing else of it."""
    if not isinstance(shape, dict) or str in shape:
        return value
    return {key: required(value[key], inner) for key, inner in shape.items() if not key.endswith("?")}


def test_readers_of_a_run_json_need_only_its_required_keys(tmp_path):
    settings = fake_study.settings(seeds=1)
    fake_study.write_study(tmp_path, settings, epochs=2)
    folder = tmp_path / "results/runs/dfl/seed0"
    record = json.loads((folder / "run.json").read_text())
    run, measured = required(record, formats.RUN), formats.read_metrics(folder / "metrics.json")
    assert shapes.difference(run, formats.RUN) is None
    assert comparison_tables.runs_table([(run, measured)], settings).iloc[0]["peak_memory_mb"] == record["peak_memory_mb"]
    assert tables.speed([run], {"dfl": "DFL"})["rows"][0][-1] == 1
    assert dict(provenance.provenance([run]))["runs"] == "1"


@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1)])
def test_peak_memory_is_in_mb_for_every_unit_of_the_system(monkeypatch, platform, unit):
    monkeypatch.setattr(job, "sys", SimpleNamespace(platform=platform))
    used = SimpleNamespace(ru_maxrss=300 * 2**20 // unit)
    monkeypatch.setattr(job, "resource", SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda _: used))
    assert job.peak_memory_mb() == 300
