"""Draw the accuracy of each class by variant, against its number of training images where classes differ in it.

Reads metrics.json of each run. Settings: study, variants, seeds, evaluated_on. Example:

  python workflow/scripts/plot_classes.py --runs results/demo/runs --data resources/synthetic --split results/demo/split.json \\
      --output results/demo/figures/classes.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1], "evaluated_on": "test"}'
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.arguments import RUNS, parse

    inputs = {"data": "folder of the prepared data that the runs were trained on", "split": "split.json of the runs"}
    options = parse(__doc__, ("study", "variants", "seeds", "evaluated_on"), runs=RUNS, **inputs)
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from hardpair.comparison.runs import Runs
    from hardpair.data.arrays import load_part
    from hardpair.figures import classes, style
    from hardpair.files.atomic import read_json

    names = read_json(Path(options.data) / "dataset.json")["classes"]
    _, labels = load_part(Path(options.data), "train")
    images = np.bincount(labels[read_json(options.split)["training"]], minlength=len(names))
    table = Runs.declared(options.runs, options.settings).per_class()
    with style.applied():
        style.save(classes.figure(table, pd.Series(images, names), options.settings), options.output)


if __name__ == "__main__":
    run(main)
