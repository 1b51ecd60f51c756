"""Describe every key of a config as Markdown, from config/schema.yaml; config/README.md is made so.

Example:

  python workflow/scripts/describe_config.py --output config/README.md
"""

import argparse
from pathlib import Path

from hardpair.command import parser, run


def arguments() -> argparse.Namespace:
    cli = parser(__doc__)
    cli.add_argument("--output", type=Path, help="Markdown file to write; without it the text is printed")
    return cli.parse_args()


def main() -> None:
    options = arguments()
    from hardpair import config_docs, config_schema
    from hardpair.files import write_text

    text = config_docs.markdown(config_schema.schema(), config_docs.overlay_summaries(config_schema.SCHEMA.parent))
    if options.output is None:
        print(text, end="")
    else:
        write_text(options.output, text)


if __name__ == "__main__":
    run(main)
