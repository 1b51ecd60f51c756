"""Draw how often each variant is right at each confidence.

Reads metrics.json of each run. Settings: study, variants, seeds, baseline, evaluated_on. Example:

  python workflow/scripts/plot_reliability.py --runs results/demo/runs --output results/demo/figures/reliability.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1],
                   "baseline": "ce", "evaluated_on": "test"}'
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.arguments import RUNS, parse

    options = parse(__doc__, ("study", "variants", "seeds", "baseline", "evaluated_on"), runs=RUNS)
    from hardpair.comparison.runs import Runs
    from hardpair.figures import reliability, style

    table = Runs.declared(options.runs, options.settings).reliability()
    with style.applied():
        style.save(reliability.figure(table, options.settings), options.output)


if __name__ == "__main__":
    run(main)
