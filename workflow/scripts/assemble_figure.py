"""Draw the final figure: accuracy and confusion by variant, the course of training, what the weights did. Example:

  python workflow/scripts/assemble_figure.py --runs results/demo/runs --output results/demo/figures/final.png \\
      --settings '{"study": "demo", "variants": [{"name": "ce"}, {"name": "dfl"}], "seeds": [0, 1], "pairs": [["cat", "dog"]],
                   "baseline": "ce", "evaluated_on": "test", "difficulty": {"easy": 0.8, "hard": 0.5}, "references": []}'
"""

from hardpair.cli.command import run


def main() -> None:
    from hardpair.figures.plot import plot

    plot(__doc__, "final")


if __name__ == "__main__":
    run(main)
