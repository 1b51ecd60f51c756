"""Draw the final figure: what was found, a row a claim with its paired differences and its verdict. Example:

  python workflow/scripts/assemble_figure.py --table results/demo/runs.csv --output results/demo/figures/final.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1], "pairs": [["cat", "dog"]],
                   "baseline": "ce", "evaluated_on": "test", "contrasts": [["dfl", "ce"]], "claims": [], "looks": [],
                   "margins": {"accuracy": 0.3, "confusion": 0.5}, "references": [], "trained_on": {"name": "demo", "images": null}}'
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.plot import plot

    plot(__doc__, "final")


if __name__ == "__main__":
    run(main)
