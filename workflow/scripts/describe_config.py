"""Describe every key of a config as Markdown, from config/schema.yaml; config/README.md is made so.

Example:

  python workflow/scripts/describe_config.py --output config/README.md
"""

from pathlib import Path

from hardpair.cli.command import parser, run
from hardpair.cli.outputs import refuse_overwriting


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--output", type=Path, help="Markdown file to write; without it the text is printed")
    options = cli.parse_args()

    from hardpair.config import docs, schema
    from hardpair.files.atomic import write_text

    if options.output:
        refuse_overwriting([options.output], schema.SCHEMA.parent.glob("*.yaml"))
    text = docs.markdown(schema.schema(), docs.overlay_summaries(schema.SCHEMA.parent))
    if options.output is None:
        print(text, end="")
    else:
        write_text(options.output, text)


if __name__ == "__main__":
    run(main)
