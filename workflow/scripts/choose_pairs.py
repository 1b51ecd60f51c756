"""Choose the pairs of classes that the baseline confuses most on validation images after its last epoch, all its seeds together.

Reads history.npz and run.json of each run. Settings: variants (the baseline alone), seeds, count (of pairs). Example:

  python workflow/scripts/choose_pairs.py --runs results/cifar10/runs --output results/cifar10/pairs.json \\
      --settings '{"variants": [{"name": "ce"}], "seeds": [0, 1], "count": 3}'
"""

from pathlib import Path

from hardpair.cli.command import parser, run, settings_with


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--runs", type=Path, required=True, help="folder of runs: {variant}/seed{seed}/")
    cli.add_argument("--settings", type=settings_with("variants", "seeds", "count"), required=True, help="JSON or file with the keys above")
    cli.add_argument("--output", type=Path, required=True, help="JSON file to write: pairs, each pair's confusion rate")
    options = cli.parse_args()

    from hardpair.comparison.runs import Runs
    from hardpair.files.atomic import write_json
    from hardpair.measures.confusion import most_confused

    runs = Runs.declared(options.runs, options.settings)
    classes = runs.classes()
    # Seeds share their validation images, so the rate of the summed counts is the mean of theirs.
    chosen = most_confused(runs.validation_confusion().sum(0), options.settings["count"])
    write_json(options.output, {"pairs": [[classes[a], classes[b]] for a, b, _ in chosen], "rates": [rate for _, _, rate in chosen]})


if __name__ == "__main__":
    run(main)
