"""Draw what the focal weights did by epoch: their mean, the scale of the loss, how many images bear them, and their share on the pair.

Reads refreshes.csv, history.npz and run.json of each run. Settings: study, variants, seeds, pairs. Example:

  python workflow/scripts/plot_weights.py --runs results/demo/runs --output results/demo/figures/weights.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1], "pairs": [["cat", "dog"]]}'
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.arguments import RUNS, parse

    options = parse(__doc__, ("study", "variants", "seeds", "pairs"), runs=RUNS)
    from hardpair.comparison.runs import Runs
    from hardpair.figures import style, weights

    table = Runs.declared(options.runs, options.settings).refreshes(options.settings["pairs"][0])
    with style.applied():
        style.save(weights.figure(table, options.settings), options.output)


if __name__ == "__main__":
    run(main)
