"""The workflow through its real commands."""

import html
import json
import re
import sys

import pandas as pd
import pytest
import yaml

from hardpair.figures import catalogue
from workspace import PROJECT, Workspace


def test_a_run_prints_its_plan_and_where_its_results_are(finished):
    assert "6 of 6 runs to train (3 variants × 2 seeds, 2 epochs), after 4 trials of 1 epoch" in finished.output
    for result in ("figures/final.png", "comparison.md", "report.html"):
        assert f"results/tiny/{result}" in finished.output
        assert (finished.folder / "results/tiny" / result).stat().st_size > 0
    assert len(re.findall(r"^Train \w+ with seed \d: done, (?:[1-5] of 6 runs|no run) left\b", finished.output, re.M)) == 6
    assert finished.output.count("\n") <= 24, "one screen"
    logs = [log.read_text() for log in (finished.folder / ".snakemake/log").glob("*.log")]
    assert "6 of 6 steps" not in finished.output
    assert any("steps (100%) done" in log for log in logs), "Snakemake's own text is in its log"


def test_every_run_leaves_the_files_of_the_map(finished):
    runs = finished.folder / "results/tiny/runs"
    for variant in ("ce", "dfl", "ce_sampler"):
        for seed in (0, 1):
            files = {path.name for path in (runs / variant / f"seed{seed}").iterdir()}
            weights = {"last.safetensors", "best.safetensors"}
            assert files == weights | {"epochs.csv", "refreshes.csv", "history.npz", "run.json", "predictions.npz", "metrics.json"}
            log = (finished.folder / f"results/tiny/logs/train/{variant}.seed{seed}.log").read_text()
            assert re.search(r"epoch 2/2 .*validation .*images/s", log)
            assert len((finished.folder / f"results/tiny/progress/{variant}/seed{seed}.csv").read_text().splitlines()) == 3


def test_all_runs_share_the_recipe_of_the_best_trial(finished):
    results = finished.folder / "results/tiny"
    trials = [json.loads(path.read_text()) for path in results.glob("search/round*/trial*.json")]
    best = max(trials, key=lambda trial: (trial["value"], -trial["trial"]))
    recipe = best["recipe"] | {"epochs": 2}
    assert yaml.safe_load((results / "search/recipe.yaml").read_text()) == recipe
    assert all(json.loads(path.read_text())["recipe"] == recipe for path in results.glob("runs/*/*/run.json"))


def test_tables_hold_every_variant_seed_and_model(finished):
    results = finished.folder / "results/tiny"
    runs = pd.read_csv(results / "runs.csv")
    assert len(runs) == 3 * 2 * 2
    for row in runs.itertuples():
        measured = json.loads((results / f"runs/{row.variant}/seed{row.seed}/metrics.json").read_text())
        assert row.accuracy == measured["models"][row.model]["accuracy"]
    assert set(pd.read_csv(results / "comparison.csv")["variant"]) == {"ce", "dfl", "ce_sampler"}


def test_results_do_not_depend_on_cores(finished, tmp_path):
    other = Workspace.fresh(tmp_path / "other", finished.folder)
    targets = ["results/tiny/search/trials.csv", "results/tiny/runs/ce_sampler/seed1/run.json"]
    other.run("snakemake", "--cores", "1", "--configfile", "tiny.yaml", "--", *targets)
    times = ["seconds"]  # a trial's time is recorded, and differs
    tables = [pd.read_csv(study.folder / targets[0]).drop(columns=times) for study in (finished, other)]
    pd.testing.assert_frame_equal(*tables)
    for number in (0, 1):
        proposals = [(study.folder / f"results/tiny/search/round{number}.json").read_bytes() for study in (finished, other)]
        assert proposals[0] == proposals[1]
    run = "results/tiny/runs/ce_sampler/seed1"
    for name in ("epochs.csv", "refreshes.csv", "last.safetensors", "best.safetensors"):
        assert (finished.folder / run / name).read_bytes() == (other.folder / run / name).read_bytes()


def test_a_study_can_choose_its_pairs(finished, tmp_path):
    study = finished.copy(tmp_path)
    study.edit("tiny.yaml", "seeds:", "pairs: {auto: 2}\nseeds:")
    study.snakemake()
    results = study.folder / "results/tiny"
    chosen = ["-".join(pair) for pair in json.loads((results / "pairs.json").read_text())["pairs"]]
    assert len(set(chosen)) == 2
    columns = [column for column in pd.read_csv(results / "runs.csv").columns if column.startswith("confusion:")]
    assert columns == [f"confusion:{pair}" for pair in chosen]
    assert " and ".join(chosen[0].split("-")) in (results / "comparison.md").read_text()
    for figure in ("curves.png", "final.png", "confusion.png"):
        assert (results / "figures" / figure).exists()
    assert "–".join(chosen[0].split("-")) in (results / "report.html").read_text()
    assert study.stale() == set()


def test_only_jobs_that_failed_in_this_call_are_reported(finished, tmp_path):
    study, target = finished.copy(tmp_path), "results/tiny/figures/confusion.png"
    for script, error in (("plot_figure", "no ink"), ("evaluate", "no light")):
        study.edit(f"workflow/scripts/{script}.py", "def main() -> None:\n", f'def main() -> None:\n    sys.exit("{script}.py: {error}")\n')
        study.edit(f"workflow/scripts/{script}.py", "from hardpair.cli.command", "import sys\n\nfrom hardpair.cli.command")
        done = study.snakemake("--", target, check=False)
        assert set(re.findall(r" failed: (.+) \(results/tiny/logs/", done.stderr)) == {f"{script}.py: {error}"}
        assert "fix the cause, then rerun the same command" in done.stderr


def test_every_job_that_takes_a_gpu_can_share_it(finished):
    shared = [f"{rule}:jobs_per_gpu=2" for rule in ("train", "run_trial", "evaluate")]
    done = finished.snakemake("--dry-run", "--forceall", "--printshellcmds", "--set-resources", *shared)
    assert "study tiny: 6 of 6 runs to train (3 variants × 2 seeds, 2 epochs), after 4 trials of 1 epoch" in done.stderr.splitlines()[-1]
    takers = re.findall(r"python workflow/scripts/(\w+)\.py [^>]*--gpus 1\b([^>]*)", done.stdout + done.stderr)
    assert {script for script, _ in takers} == {"train", "run_trial", "evaluate"}
    assert all("--jobs-per-gpu 2" in rest for _, rest in takers)


def test_graphs_are_all_that_is_printed(finished):
    graphs = {option: finished.snakemake(option, "dot").stdout for option in ("--dag", "--rulegraph")}
    for option, graph in graphs.items():
        header, *body, end = graph.strip().splitlines()
        assert header.startswith("digraph snakemake_dag {")
        assert end == "}"
        assert all(re.fullmatch(r'\s*(graph\[.*|node\[.*|edge\[.*|\d+\[label ?= ?".*\];?|\d+ -> \d+)', line) for line in body), graph
        chart = finished.snakemake(option, "mermaid-js").stdout.strip().splitlines()
        assert chart[0] == "---"
        assert "flowchart TB" in chart
        assert all(re.match(r"^(---|title: |flowchart TB|\s+(id\d+|style id\d+|id\d+ --> id\d+))", line) for line in chart), chart
    rules = set(re.findall(r'label ?= ?"(\w+)', graphs["--rulegraph"]))
    assert {"prepare_data", "split_data", "propose_trials", "run_trial", "select_recipe", "train", "evaluate", "compare"} <= rules
    assert {"assemble_figure", "write_report", "plot_figure"} <= rules


def test_the_drawing_of_the_steps_has_a_box_for_each_variant(tmp_path):
    study = Workspace.fresh(tmp_path)
    study.run("make", "--silent", "--old-file=setup", "dag", "CONFIG=tiny.yaml")
    text = (study.folder / "results/dag.mmd").read_text()
    names = dict(re.findall(r'(s\d+)\["(.+)"\]', text))
    assert sorted(re.findall(r"subgraph (\w+)", text)) == ["data", "evaluate", "report", "search", "train"]
    trained = [f"train {variant}" for variant in ("ce", "dfl", "ce_sampler")]
    edges = {("prepare_data", "split_data"), ("split_data", "run_trial"), ("run_trial", "select_recipe")}
    edges |= {("run_trial", "propose_trials"), ("propose_trials", "run_trial")}
    edges |= {("select_recipe", run) for run in trained} | {(run, "evaluate") for run in trained}
    final = "assemble_figure: the final figure"  # it is made of the comparison, and stands for it before the report
    edges |= {("evaluate", "compare"), ("compare", final), (final, "write_report")}
    edges |= {("evaluate", "plot_figure"), ("plot_figure", "write_report")}
    assert {(names[a], names[b]) for a, b in re.findall(r"(s\d+) --> (s\d+)", text)} == edges


def test_the_catalog_s_entry_requires_the_same(finished):
    done = finished.snakemake("--snakefile", "workflow/Snakefile", "--dry-run")
    assert "Nothing to be done" in done.stdout + done.stderr


def test_snakemake_s_own_report_shows_every_figure_with_its_caption(finished, tmp_path):
    page = tmp_path / "report.html"
    finished.snakemake("--report", str(page))
    text = page.read_text()
    for name in catalogue.FIGURES.keys() - {"plane"}:
        [item] = re.findall(rf'"results/tiny/figures/{name}.png": (\{{"name".*?"caption": ".*?)", "mime_type"', text)
        assert f'"labels": {{"figure": "{catalogue.FIGURES[name].title}"}}' in item
        assert catalogue.caption(name)[:60] in html.unescape(item)
    assert not re.search(r'(?:src|href)="https?://', text)
    description = (PROJECT / "workflow/report/study.rst").read_text()
    assert description[:60] in html.unescape(text)


def test_every_rule_is_measured_and_says_what_memory_and_time_its_jobs_may_take():
    for path in (PROJECT / "workflow/rules").glob("*.smk"):
        for name, body in re.findall(r"^ *rule (\w+):\n((?:[ \t].*\n|\n)*)", path.read_text(), re.M):
            for part in (r"benchmark:\n +\"<(?:study|data)>/logs/.+\.tsv\"", r"\bmem_mb=\d+,", r"\bruntime=\d+,"):
                assert re.search(part, body), (name, part)


def test_every_item_of_snakemake_s_report_has_a_caption_a_category_and_a_label():
    text = "".join(path.read_text() for path in (PROJECT / "workflow/rules").glob("*.smk"))
    items = re.findall(r"\breport\(\n(.*?)\n\s+\)", text, re.S)
    assert len(items) == 4  # the report, the comparison, the final figure and one for all others
    for item in items:
        assert (PROJECT / "workflow/report" / re.search(r'caption="\.\./report/(.+)"', item)[1]).exists()
        assert re.search(r'category="\w+"', item)
        assert re.search(r"labels=.*\{.+\}", item)


def test_the_command_of_a_run_in_the_report_repeats_it(finished):
    page = html.unescape((finished.folder / "results/tiny/report.html").read_text())
    [command] = re.findall(r"^python workflow/scripts/train\.py (?:.*\\\n)*.*", page, re.M)
    finished.run("bash", "-euc", command)
    once, again = finished.folder / "results/tiny/runs/ce/seed0", finished.folder / "again/ce"
    assert (again / "last.safetensors").read_bytes() == (once / "last.safetensors").read_bytes()
    assert json.loads((again / "run.json").read_text())["fingerprint"] == json.loads((once / "run.json").read_text())["fingerprint"]


def test_cifar100_needs_nothing_but_config(tmp_path):
    study = Workspace.fresh(tmp_path)
    (overlay,) = re.findall(r"```yaml\n(# trees\.yaml.*?)```", (PROJECT / "docs/pictures.md").read_text(), re.DOTALL)
    (study.folder / "trees.yaml").write_text(overlay)
    planned = study.run("snakemake", "--configfile", "trees.yaml", "--dry-run").stdout
    assert "Download cifar100" in planned
    assert "Prepare the images of cifar100" in planned
    assert len(re.findall(r"^Job \d+: Train ", planned, re.M)) == 40
    study.edit("trees.yaml", "maple_tree", "maple_tre")
    done = study.run("snakemake", "--configfile", "trees.yaml", "--dry-run", check=False)
    assert 'names the class "maple_tre", which cifar100 does not have: did you mean maple_tree?' in done.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--config", "seeds=[0,0]"], "config: seeds is [0, 0]: it must be a list without repetition"),
        (["--config", "sedes=[0]"], "config: sedes is not a key: did you mean seeds?"),
        (["--config", "baseline=dfl2"], 'config: baseline names the variant "dfl2", which variants does not have'),
    ],
)
def test_a_wrong_config_ends_in_one_sentence(finished, options, sentence):
    done = finished.snakemake("--dry-run", *options, check=False)
    assert done.returncode != 0
    messages = [line for line in done.stderr.splitlines() if line.startswith("config:")]
    assert len(messages) == 1
    assert messages[0].startswith(sentence)
    assert "Traceback" not in done.stderr


def test_a_job_that_fails_reports_the_reason_and_leaves_nothing_half_written(finished, tmp_path):
    study = finished.copy(tmp_path)
    model = study.folder / "results/tiny/runs/dfl/seed0/last.safetensors"
    content = bytearray(model.read_bytes())
    content[-2000] ^= 255  # of the same length: one that is cut short counts as not made
    model.write_bytes(content)
    (model.parent / "metrics.json").unlink()
    done = study.snakemake("--", str((model.parent / "metrics.json").relative_to(study.folder)), check=False)
    assert done.returncode != 0
    assert f"{model.relative_to(study.folder)} is not the model of run.json" in done.stderr
    assert not (model.parent / "metrics.json").exists()
    assert not (model.parent / "predictions.npz").exists()
    assert not list(study.folder.glob("results/**/.partial-*"))


def test_a_python_without_the_packages_ends_in_one_sentence(finished):
    python = [sys.executable, "-S", "-E"]  # no site-packages
    settings = '{"study":"s","variants":[{"name":"a"}],"seeds":[0],"pairs":[]}'
    for script in ("train.py --data d --split s --output-dir o", f"plot_figure.py weights --runs r --settings {settings} --output o.png"):
        done = finished.run(*python, f"workflow/scripts/{script.split()[0]}", *script.split()[1:], check=False)
        assert done.returncode != 0
        assert re.fullmatch(r"\w+\.py: \S+ lacks the Python package '\w+': run `make setup` .*\n", done.stderr), done.stderr
