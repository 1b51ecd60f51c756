"""Draw the images of the first pair that the models most often call the other class of the pair.

Reads predictions.npz of each run. Settings: study, variants, seeds, pairs, evaluated_on. Example:

  python workflow/scripts/plot_hardest.py --runs results/demo/runs --images resources/synthetic/test/images.npy \\
      --classes resources/synthetic/dataset.json --output results/demo/figures/hardest.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1],
                   "pairs": [["cat", "dog"]], "evaluated_on": "test"}'
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.arguments import RUNS, parse

    images_help = "images.npy of the images evaluated on: test/, or train/ where `evaluated_on` is validation"
    options = parse(
        __doc__,
        ("study", "variants", "seeds", "pairs", "evaluated_on"),
        runs=RUNS,
        images=images_help,
        classes="dataset.json of the prepared data",
    )
    from hardpair.comparison.runs import Runs, pair_indices
    from hardpair.figures import hardest, style
    from hardpair.files import shapes
    from hardpair.files.readers import read_images

    classes = shapes.read(options.classes, {"classes": [str]})["classes"]
    calls = Runs.declared(options.runs, options.settings).pair_calls(*pair_indices(classes, options.settings["pairs"][0]))
    with style.applied():
        style.save(hardest.figure(read_images(options.images), classes, calls, options.settings), options.output)


if __name__ == "__main__":
    run(main)
