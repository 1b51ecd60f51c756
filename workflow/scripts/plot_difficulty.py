"""Draw the shares of easy and hard training images by epoch, a line per variant.

Reads history.npz of each run. Settings: study, variants, seeds, difficulty. Example:

  python workflow/scripts/plot_difficulty.py --runs results/demo/runs --output results/demo/figures/difficulty.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1],
                   "difficulty": {"easy": 0.8, "hard": 0.5}}'
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.arguments import RUNS, parse

    options = parse(__doc__, ("study", "variants", "seeds", "difficulty"), runs=RUNS)
    from hardpair.comparison.runs import Runs
    from hardpair.figures import difficulty, style

    table = Runs.declared(options.runs, options.settings).difficulty(**options.settings["difficulty"])
    with style.applied():
        style.save(difficulty.figure(table, options.settings), options.output)


if __name__ == "__main__":
    run(main)
