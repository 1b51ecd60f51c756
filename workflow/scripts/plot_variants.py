"""Draw accuracy and confusion of the first pair by variant: every seed a dot, mean and 95 % t interval, published values.

Reads metrics.json of each run. Settings: study, variants, seeds, pairs, baseline, evaluated_on, references. Example:

  python workflow/scripts/plot_variants.py --runs results/demo/runs --output results/demo/figures/variants.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1], "pairs": [["cat", "dog"]],
                   "baseline": "ce", "evaluated_on": "test", "references": []}'
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.arguments import RUNS, parse

    options = parse(__doc__, ("study", "variants", "seeds", "pairs", "baseline", "evaluated_on", "references"), runs=RUNS)
    from hardpair.comparison.runs import Runs
    from hardpair.figures import style, variants

    table = Runs.declared(options.runs, options.settings).measures(options.settings["pairs"][0])
    with style.applied():
        style.save(variants.figure(table, options.settings), options.output)


if __name__ == "__main__":
    run(main)
