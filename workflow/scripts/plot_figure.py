"""Draw one figure of a study, by its name. Example:

  python workflow/scripts/plot_figure.py curves --runs results/demo/runs --output results/demo/figures/curves.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1], "pairs": [["cat", "dog"]],
                   "references": []}'
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.plot import plot

    plot(__doc__)


if __name__ == "__main__":
    run(main)
