"""Draw training curves: validation accuracy, confusion of the first pair and training loss by epoch, a line per variant.

Reads epochs.csv, history.npz and run.json of each run. Settings: study, variants, seeds, pairs, references. Example:

  python workflow/scripts/plot_curves.py --runs results/demo/runs --output results/demo/figures/curves.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1], "pairs": [["cat", "dog"]],
                   "references": []}'
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.arguments import RUNS, parse

    options = parse(__doc__, ("study", "variants", "seeds", "pairs", "references"), runs=RUNS)
    from hardpair.comparison.runs import Runs
    from hardpair.figures import curves, style

    table = Runs.declared(options.runs, options.settings).epochs(options.settings["pairs"][0])
    with style.applied():
        style.save(curves.figure(table, options.settings), options.output)


if __name__ == "__main__":
    run(main)
