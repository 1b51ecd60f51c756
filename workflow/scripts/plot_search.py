"""Draw the hyperparameter search: value by trial with the best so far, and against each hyperparameter.

Settings: study. Example:

  python workflow/scripts/plot_search.py --trials results/demo/search/trials.csv --settings '{"study": "demo"}' \\
      --output results/demo/figures/search.png
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.arguments import parse

    options = parse(__doc__, ("study",), trials="trials.csv of the search")
    from hardpair.figures import search, style
    from hardpair.files.readers import read_table

    trials = read_table(options.trials)
    with style.applied():
        style.save(search.figure(trials, options.settings), options.output)


if __name__ == "__main__":
    run(main)
