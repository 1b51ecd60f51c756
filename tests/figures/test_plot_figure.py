"""Commands of figures: the same files again, and errors in one sentence."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

import assemble_figure
import fake_study
import plot_figure
from changed_config import STUDY, changed
from hardpair.cli.command import run
from hardpair.config.resolve import resolve
from hardpair.errors import UserError
from hardpair.figures import catalogue, classes, final, hardest, variants
from hardpair.figures.drawing import style
from hardpair.staleness import plan
from hardpair.staleness.code_hash import code_hash

pytestmark = pytest.mark.usefixtures("coarse")

SCRIPTS = Path(fake_study.__file__).parents[2] / "workflow" / "scripts"


def command(figure, folder, settings, output):
    """What draws a figure: the script, its arguments."""
    places = {"runs": "results/runs", "table": "results/runs.csv", "study": "results", "data": "data", "split": "results/split.json"}
    inputs = [f"--{option}={folder / places[option]}" for option in catalogue.FIGURES[figure].inputs]
    start = ["assemble_figure.py"] if figure == catalogue.FINAL else ["plot_figure.py", figure]
    return [*start, *inputs, "--settings", json.dumps(settings), "--output", str(output)]


@pytest.mark.parametrize("figure", catalogue.FIGURES)
def test_a_command_writes_the_same_png_and_svg_again(figure, drawn_study, tmp_path, monkeypatch):
    folder, settings, _ = drawn_study
    fewer = fake_study.settings(settings["variants"][::2], seeds=2)
    settings = settings | {key: fewer[key] for key in ("variants", "contrasts", "claims")}
    settings |= {"plane": settings["plane"][::2], "seeds": [0, 2]}
    written = []
    for name in ("first", "second"):
        monkeypatch.setattr(sys, "argv", command(figure, folder, settings, tmp_path / f"{name}.png"))
        (assemble_figure if figure == catalogue.FINAL else plot_figure).main()
        written.append([(tmp_path / f"{name}{suffix}").read_bytes() for suffix in (".png", ".svg")])
    assert written[0] == written[1]
    png, svg = written[0]
    assert png.startswith(b"\x89PNG")
    assert b"<svg" in svg
    assert b"<dc:date>" not in svg
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.png", "first.svg", "second.png", "second.svg"]


def test_missing_run_ends_in_one_sentence_and_no_file(drawn_study, tmp_path):
    folder, settings, _ = drawn_study
    line = command("weights", folder, settings | {"seeds": [0, 77]}, tmp_path / "weights.png")
    done = subprocess.run([sys.executable, *line], cwd=SCRIPTS, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "seed77/refreshes.csv is missing" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("figure", catalogue.FIGURES)
def test_a_missing_input_or_setting_of_a_figure_is_named(figure, drawn_study, monkeypatch):
    folder, settings, _ = drawn_study
    entry, line = catalogue.FIGURES[figure], command(figure, folder, settings, "a.png")
    for option in entry.inputs:
        less = [argument for argument in line if not argument.startswith(f"--{option}=")]
        assert refusal(less, monkeypatch) == f"{line[0]}: the figure {figure} needs --{option}: see --help"
    needed = {key: settings[key] for key in entry.settings}
    key = needed.popitem()[0]
    assert refusal(command(figure, folder, needed, "a.png"), monkeypatch) == f"{line[0]}: the settings lack {key}: see --help"


def refusal(line, monkeypatch):
    """The sentence in which a command ends."""
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit) as caught:
        run(assemble_figure.main if line[0] == "assemble_figure.py" else plot_figure.main)
    return caught.value.code


def test_a_rule_passes_a_figure_the_inputs_that_it_reads():
    config = resolve(changed())
    study, data = f"results/{config['study']}", f"resources/{config['data']['name']}"
    assert plan.figure_arguments(config, "curves") == f"--runs {study}/runs"
    assert plan.figure_arguments(config, "final") == f"--table {study}/runs.csv"
    assert plan.figure_arguments(config, "search") == f"--study {study}"
    assert plan.figure_arguments(config, "classes") == f"--runs {study}/runs --data {data} --split {study}/split.json"


def test_every_module_with_a_figure_is_in_the_catalogue():
    modules = {path.stem for path in (SCRIPTS / "hardpair" / "figures").glob("*.py") if "\ndef figure(" in path.read_text()}
    assert modules == catalogue.FIGURES.keys() | {"measured"}, "that of compare_runs.py is of no study"


def test_a_study_has_the_figures_that_show_something_of_it():
    every = catalogue.FIGURES.keys()
    config = resolve(changed())
    assert plan.figures(config).keys() == every - {"plane"}
    assert plan.figure_settings(config, "search") == {"study": config["study"], "searches": plan.searches_shown(config)}
    assert plan.figures(resolve(changed(("search.enabled", False)))).keys() == every - {"plane", "search"}
    gammas = [{"name": f"dfl{gamma}", "loss": {"kind": "focal", "gamma": gamma, "scale": "dynamic"}} for gamma in (1, 2)]
    variants = [*STUDY["variants"], *gammas]
    assert plan.figures(resolve(changed(("variants", variants)))).keys() == every


def test_the_hardest_images_are_those_evaluated_on(drawn_study, tmp_path):
    folder, settings, _ = drawn_study
    shutil.copytree(folder / "data", tmp_path / "data")
    shutil.rmtree(tmp_path / "data/train")
    os.rename(tmp_path / "data/test", tmp_path / "data/train")
    for evaluated_on, data, part in (("test", folder / "data", "test"), ("validation", tmp_path / "data", "train")):
        files = {"runs": folder / "results" / "runs", "data": data}
        images, *_ = hardest.read(files, settings | {"evaluated_on": evaluated_on})
        np.testing.assert_array_equal(images, np.load(data / part / "images.npy"))


@pytest.mark.parametrize("figure", [hardest, classes])
def test_pictures_of_other_data_are_refused(drawn_study, tmp_path, figure):
    folder, settings, _ = drawn_study
    shutil.copytree(folder / "data", tmp_path / "data")
    about = json.loads((tmp_path / "data/dataset.json").read_text())
    (tmp_path / "data/dataset.json").write_text(json.dumps(about | {"sha256": "0" * 64}))
    files = {"runs": folder / "results/runs", "data": tmp_path / "data", "split": folder / "results/split.json"}
    message = rf"^{tmp_path}/data holds other images than .*/ce/seed0 was trained on: name the folder of its data$"
    with pytest.raises(UserError, match=message):
        figure.read(files, settings)


def test_predictions_for_other_images_than_those_evaluated_on_are_refused(drawn_study):
    folder, settings, _ = drawn_study
    files = {"runs": folder / "results/runs", "data": folder / "data"}
    with pytest.raises(UserError, match=r"results/runs has predictions for other images than validation images: evaluate all runs again$"):
        hardest.read(files, settings | {"evaluated_on": "validation"})


def test_style_does_not_depend_on_the_users(drawn_study):
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "lines.linewidth": 9}):
        with style.applied():
            assert matplotlib.rcParams["font.size"] == 8
            assert not matplotlib.rcParams["axes.grid"]
        assert matplotlib.rcParams["font.size"] == 30


def test_the_footer_names_settings_and_code(drawn_study, tmp_path, monkeypatch):
    folder, settings, _ = drawn_study
    origins = []
    monkeypatch.setattr(variants, "figure", lambda _, variation: origins.append(variation["made"]) or style.new_page(1, 1))
    for variation in (settings, dict(reversed(settings.items())), settings | {"seeds": [0, 1]}):
        monkeypatch.setattr(sys, "argv", command("variants", folder, variation, tmp_path / "a.png"))
        plot_figure.main()
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    code = code_hash("plot_figure.py", "hardpair/figures/variants.py")
    assert origins[0] == f"settings {hashlib.sha256(text.encode()).hexdigest()[:8]}, code {code[:8]}"
    assert origins[0] == origins[1] != origins[2]
    assert style.origin(settings | {"made": origins[0]}).endswith(f" seeds ({origins[0]})")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda table: table.assign(epochs=np.nan), "epochs is not finite"),
        (lambda table: table.assign(accuracy=7.0), "accuracy is 7"),
        (lambda table: pd.concat([table, table.tail(1)]), "is there twice"),
        (
            lambda table: table[(table["variant"] != "dfl") | (table["seed"] != 1)],
            "lacks the last model of dfl with seed 1: run compare again",
        ),
    ],
)
def test_the_final_figure_needs_each_run_once_with_possible_values(tmp_path, change, problem):
    settings = fake_study.settings(seeds=2)
    fake_study.write_study(tmp_path, settings, epochs=2, images=100)
    table = tmp_path / "results" / "runs.csv"
    assert len(final.read({"table": table}, settings)[0]) == 16
    change(pd.read_csv(table)).to_csv(table, index=False)
    with pytest.raises(UserError, match=rf"runs\.csv .*{problem}"):
        final.read({"table": table}, settings)
