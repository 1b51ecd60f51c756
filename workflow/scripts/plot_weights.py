"""Draw what the focal weights did: mean weight and scale of the loss, mean weight and effective share of the sampler, by epoch.

Reads refreshes.csv of each run. Settings: study, variants, seeds. Example:

  python workflow/scripts/plot_weights.py --runs results/demo/runs --output results/demo/figures/weights.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1]}'
"""

from hardpair.command import run


def main() -> None:
    from hardpair.figures.arguments import RUNS, parse

    options = parse(__doc__, ("study", "variants", "seeds"), runs=RUNS)
    from hardpair.figures import style, weights
    from hardpair.runs import Runs

    table = Runs.declared(options.runs, options.settings).refreshes()
    with style.applied():
        style.save(weights.figure(table, options.settings), options.output)


if __name__ == "__main__":
    run(main)
