import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import estimate_study
from hardpair.config.resolve import resolve
from hardpair.config.written import overlaid
from hardpair.networks.cnn import Network
from hardpair.study import estimate, expected_rate
from hardpair.training import precision
from workspace import PROJECT

BASE = yaml.safe_load((PROJECT / "config/config.yaml").read_text())


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A folder without results."""
    monkeypatch.chdir(tmp_path)


def run(monkeypatch, capsys, *options) -> str:
    monkeypatch.setattr("sys.argv", ["estimate_study.py", *map(str, options)])
    estimate_study.main()
    return capsys.readouterr().out


def test_the_work_of_a_study_is_that_of_its_jobs():
    config = resolve(BASE)
    work = estimate.workload(config, runs=40, trials=24)
    assert work.images == 40 * 50 * 45_000 + 24 * 15 * 45_000
    # Per run: 11 refreshes and the look after epoch 4 over 45,000 images, 50 validations over 5,000; a forward pass is a third of a step.
    assert work.passes == pytest.approx(1 + (12 * 45_000 + 50 * 5_000) / 3 / (50 * 45_000))
    # One job's images, in the time of its rate, on each of four devices, and its start-up.
    assert work.seconds(rate=1000, at_once=4) == pytest.approx((work.images / 1000 + (24 + 80) * estimate.START_UP) / 4)
    # Half of it is done already.
    half = work.seconds(rate=1000, at_once=4, trained=work.images // 2)
    assert half == pytest.approx((work.images / 2000 + (24 + 80) * estimate.START_UP) / 4)
    parameters = sum(weight.numel() for weight in Network(10, 32).parameters())
    assert work.disk(parameters, 10) == 40 * 2 * 4 * (parameters + 10_000 * 10)


def test_a_long_search_needs_the_disk_for_its_states():
    """Each is kept until the recipe is chosen: the network, its best, and one momentum or two moments."""
    for optimizer, copies in (("sgd", 3), ("adamw", 4)):
        changed = overlaid(BASE, {"search": {"seeds": [90, 91]}, "recipe": {"optimizer": optimizer}})
        assert estimate.workload(resolve(changed), runs=4, trials=24).disk(10**6, 10) == 4 * 24 * 2 * copies * 10**6


def test_more_devices_than_jobs_do_not_help():
    work = estimate.workload(resolve(BASE), runs=3, trials=0)
    assert work.seconds(100, at_once=64) == work.seconds(100, at_once=3)


def test_a_study_without_validation_keeps_one_model_a_run():
    changed = BASE | {"data": BASE["data"] | {"validation": 0}, "search": {"enabled": False}}
    work = estimate.workload(resolve(changed), runs=1, trials=0)
    assert work.models == 1
    assert work.run_images == 50 * 50_000


def test_a_long_tail_is_less_work():
    changed = BASE | {"data": BASE["data"] | {"validation": 0, "imbalance": 100}, "search": {"enabled": False}}
    assert estimate.workload(resolve(changed), runs=1, trials=0).run_images == 50 * 12_406


def test_the_rate_is_that_of_finished_runs(tmp_path, monkeypatch, capsys):
    for seed, rate in enumerate((90, 100, 200)):
        (tmp_path / f"results/cifar10/runs/ce/seed{seed}").mkdir(parents=True)
        (tmp_path / f"results/cifar10/runs/ce/seed{seed}/run.json").write_text(json.dumps({"images_per_second": rate}))
    (tmp_path / "results/cifar10/runs/ce/seed9").mkdir()
    (tmp_path / "results/cifar10/runs/ce/seed9/run.json").write_text("{ cut off")
    monkeypatch.setattr(expected_rate, "measure", lambda *_: pytest.fail("there is a rate already"))
    output = run(monkeypatch, capsys, "--config", PROJECT / "config/config.yaml", "--runs", 37, "--trials", 0, "--at-once", 4)
    assert "37 of 40 runs to train (4 variants × 10 seeds, 50 epochs);" in output
    work = estimate.workload(resolve(BASE), 37, 0)
    assert f"about {estimate.duration(work.seconds(100, 4))}, 4 jobs in parallel at 100 images/s each (median of 3 finished runs)" in output
    assert "about 1.4 GB of disk" in output
    assert "median of 3 finished runs" in run(monkeypatch, capsys, "--config", PROJECT / "config/config.yaml", "--unmeasured")


def test_a_long_study_without_runs_is_measured_for(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(expected_rate, "SECONDS", 0.0)
    monkeypatch.setattr(expected_rate, "LONGEST", 0.0)
    (tmp_path / "small.yaml").write_text("recipe: {batch_size: 8}\n")
    files = PROJECT / "config/config.yaml", tmp_path / "small.yaml"
    output = run(monkeypatch, capsys, "--config", *files, "--gpus", 0)
    assert "40 of 40 runs to train (4 variants × 10 seeds, 50 epochs), after 24 trials of 15 epochs" in output
    assert "images/s each (measured just now on " in output


@pytest.mark.parametrize(("bf16", "remark"), [(230.0, "bf16 is 2.3 times as fast here as fp32"), (110.0, None), (20.0, None)])
def test_a_precision_that_is_faster_than_the_one_chosen_is_named(tmp_path, monkeypatch, capsys, bf16, remark):
    monkeypatch.setattr(precision, "_has_fast_bf16", lambda device: False)
    monkeypatch.setattr(expected_rate, "measure", lambda config, network, device, name: {"fp32": 100.0, "bf16": bf16}[name])
    options = "--config", PROJECT / "config/config.yaml", "--gpus", 0
    output = run(monkeypatch, capsys, *options)
    assert (f"{remark}, which train.precision: auto takes: consider train.precision: bf16\n" in output) == bool(remark)
    assert ("times as fast" in output) == bool(remark)
    named = {"train": {"precision": "fp32"}}
    (tmp_path / "named.yaml").write_text(json.dumps(named))
    assert "times as fast" not in run(monkeypatch, capsys, *options[:2], tmp_path / "named.yaml", *options[2:])


def test_a_short_study_is_not(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(expected_rate, "measure", lambda *_: pytest.fail("not worth it"))
    files = PROJECT / "config/config.yaml", PROJECT / "config/demo.yaml"
    output = run(monkeypatch, capsys, "--config", *files)
    assert output.startswith("study demo: 8 of 8 runs to train (4 variants × 2 seeds, 5 epochs), after 8 trials of 1 epoch;")
    assert len(output.splitlines()) == 1
    output = run(monkeypatch, capsys, "--config", files[0], "--unmeasured")
    assert output.startswith("study cifar10: 40 of 40 runs to train")
    assert len(output.splitlines()) == 1, "nor is one that is not to be measured for"


def test_trials_of_own_searches_are_counted_for_each_variant(tmp_path, monkeypatch, capsys):
    own = {"search": {"scope": "each", "rounds": 2, "batch": 3, "epochs": 1}}
    (tmp_path / "own.yaml").write_text(json.dumps(own))
    files = PROJECT / "config/config.yaml", PROJECT / "config/demo.yaml", tmp_path / "own.yaml"
    options = "--config", *files, "--unmeasured"
    assert ", after 6 trials for each of 4 variants, of 1 epoch; results go" in run(monkeypatch, capsys, *options)
    assert ", after 5 trials of 1 epoch; results go" in run(monkeypatch, capsys, *options, "--trials", 5), (
        "how many are left of each is not known"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (3599, "1 h 00 min"), (12_000, "3 h 20 min"), (86_400 * 2 + 4 * 3600, "2 days 4 h")],
)
def test_durations_are_what_a_plan_needs(seconds, text):
    assert estimate.duration(seconds) == text


@given(st.floats(0, 1e7))
def test_durations_are_never_rounded_down(seconds):
    units = {"s": 1, "min": 60, "h": 3600, "day": 86_400, "days": 86_400}
    words = estimate.duration(seconds).split()
    stated = sum(int(number) * units[unit] for number, unit in zip(words[::2], words[1::2], strict=True))
    assert stated >= seconds - 3600 * ("day" in estimate.duration(seconds))


def test_overlays_merge_maps_and_replace_lists():
    merged = overlaid({"a": {"x": 1, "y": [1, 2]}, "b": 1}, {"a": {"y": [3]}, "c": {"z": 1}})
    assert merged == {"a": {"x": 1, "y": [3]}, "b": 1, "c": {"z": 1}}
