"""Draw the final figure: accuracy and confusion by variant, the course of training, what the weights did.

Reads metrics.json, epochs.csv, refreshes.csv, history.npz and run.json of each run. Settings: study, variants, seeds, pairs, baseline,
evaluated_on, difficulty, references. Example:

  python workflow/scripts/assemble_figure.py --runs results/demo/runs --output results/demo/figures/final.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1], "pairs": [["cat", "dog"]],
                   "baseline": "ce", "evaluated_on": "test", "difficulty": {"easy": 0.8, "hard": 0.5}, "references": []}'
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.arguments import RUNS, parse

    options = parse(__doc__, ("study", "variants", "seeds", "pairs", "baseline", "evaluated_on", "difficulty", "references"), runs=RUNS)
    from hardpair.comparison.runs import Runs
    from hardpair.figures import final, style

    settings, runs = options.settings, Runs.declared(options.runs, options.settings)
    pair = settings["pairs"][0]
    tables = runs.measures(pair), runs.epochs(pair), runs.refreshes(pair), runs.difficulty(**settings["difficulty"])
    with style.applied():
        style.save(final.figure(*tables, settings), options.output)


if __name__ == "__main__":
    run(main)
