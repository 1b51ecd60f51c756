"""Draw the mean confusion matrix of each variant over its seeds, model after the last epoch.

Reads metrics.json of each run. Settings: study, variants, seeds, pairs, evaluated_on. Example:

  python workflow/scripts/plot_confusion.py --runs results/demo/runs --output results/demo/figures/confusion.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1],
                   "pairs": [["cat", "dog"]], "evaluated_on": "test"}'
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.arguments import RUNS, parse

    options = parse(__doc__, ("study", "variants", "seeds", "pairs", "evaluated_on"), runs=RUNS)
    from hardpair.comparison.runs import Runs
    from hardpair.figures import confusion, style

    classes, matrices = Runs.declared(options.runs, options.settings).confusions()
    with style.applied():
        style.save(confusion.figure(classes, matrices, options.settings), options.output)


if __name__ == "__main__":
    run(main)
