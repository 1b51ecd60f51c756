"""The benchmarks of large studies run their real commands; their numbers are for docs/scale.md, not for a test."""

import json
import subprocess
import sys
from pathlib import Path

import fake_study
from hardpair.comparison.runs import Runs
from hardpair.figures import variants
from hardpair.figures.drawing import style

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def benchmark(name, *options):
    """The rows of a benchmark's table, without its head."""
    done = subprocess.run([sys.executable, BENCHMARKS / name, *map(str, options)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines() if line.startswith("|")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]


def test_planning_counts_the_same_runs_in_the_study_and_in_a_bare_snakefile(tmp_path):
    rows = benchmark("planning.py", "--seeds", 1, "--json", tmp_path / "planning.json")
    assert [(row["workflow"], row["runs"], row["state"]) for row in rows] == [("study", "4", "nothing done"), ("bare", "4", "nothing done")]
    # 4 × train and evaluate; search: 24 trials, 3 rounds, the choice; 2 for data, split, compare, 11 figures, report, all
    assert [int(row["jobs"]) for row in rows] == [8 + 28 + 2 + 1 + 1 + 11 + 1 + 1, 8 + 1]
    plans = json.loads((tmp_path / "planning.json").read_text())["plans"]
    assert float(rows[0]["× bare, CPU"]) == round(plans[0]["cpu"] / plans[1]["cpu"], 2)


def test_comparing_runs_the_real_commands_on_runs_that_they_accept(tmp_path):
    kept = tmp_path / "kept"
    small = ("--seeds", 3, "--images", 60, "--epochs", 3)
    rows = benchmark("comparing.py", *small, "--keep", kept)
    assert [rows[0]["command"], rows[-1]["command"]] == ["compare", "write_report"]
    assert all(float(row["wrote, MB"]) > 0 for row in rows)
    assert len((kept / "results" / "runs.csv").read_text().splitlines()) == 1 + 2 * 12  # of each run the last and the best model
    line = [sys.executable, BENCHMARKS / "comparing.py", *map(str, small[:-1]), "4", "--keep", kept]
    other = subprocess.run(line, capture_output=True, text=True)
    refusal = f"--keep: {kept} holds no complete study of the same --seeds, --images and --epochs: remove it or name another"
    assert (other.returncode, other.stderr.splitlines()[-1]) == (2, f"comparing.py: error: {refusal}")


def test_very_many_seeds_stay_a_small_figure(tmp_path, monkeypatch):
    monkeypatch.setitem(style.STYLE, "savefig.dpi", 40)
    settings = fake_study.settings(seeds=2)
    fake_study.write_study(tmp_path, settings, epochs=2, images=100)
    table = Runs.declared(tmp_path / "results" / "runs", settings).measures(["cat", "dog"])
    sizes = {}
    for count in (10, 2000):
        many = table.loc[table.index.repeat(count // 2)].assign(seed=list(range(count)) * 4)
        many["accuracy"] += many["seed"] / 1e5
        with style.applied():
            page = variants.figure(many, settings | {"seeds": list(range(count))})
            style.save(page, tmp_path / f"{count}.png")
        assert sum(len(line.get_xdata()) for line in page.axes[0].lines if line.get_label().startswith("_seeds")) == 4 * count
        sizes[count] = (tmp_path / f"{count}.svg").stat().st_size
    assert sizes[2000] < sizes[10] + 200_000  # a mark of its own for each seed would take a megabyte
