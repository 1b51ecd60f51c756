"""Draw accuracy and confusion of the first pair on the plane of exponents of loss and sampler, with intervals.

Reads metrics.json of each run. Settings: study, variants, seeds, pairs, evaluated_on, plane (lists of variant, exponent
of the loss, exponent of the sampler). Example:

  python workflow/scripts/plot_plane.py --runs results/ablation/runs --output results/ablation/figures/plane.png --settings plane.json
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.arguments import RUNS, parse

    options = parse(__doc__, ("study", "variants", "seeds", "pairs", "evaluated_on", "plane"), runs=RUNS)
    from hardpair.comparison.runs import Runs
    from hardpair.figures import plane, style

    table = Runs.declared(options.runs, options.settings).measures(options.settings["pairs"][0])
    with style.applied():
        style.save(plane.figure(table, options.settings), options.output)


if __name__ == "__main__":
    run(main)
