"""Record what a job's files were made of: hashes of its settings and code, and the SHA-256 of its inputs and outputs as they are now.

The workflow calls it after each job's own command, and compares the record with the study's config, code and files to find what is stale.
Example:

  python workflow/scripts/record_inputs.py --output results/demo/made/split_data.json \\
      --made '{"settings": "0f3a", "code": "91bc-7d2e", "files": ["split_data.py"], "inputs": ["resources/synthetic/dataset.json"]}'
"""

import argparse

from hardpair.cli.command import json_or_file, parser, run


def made(text: str) -> dict:
    """Value of ``--made``: a map as ``record.write`` takes it, as JSON or in a file."""
    from hardpair.files import formats, shapes

    value = json_or_file(text)
    if problem := shapes.difference(value, formats.MADE):
        raise argparse.ArgumentTypeError(f"{problem}: see --help")
    return value


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--made", type=made, required=True, help="JSON or file with the keys above, perhaps each and outputs")
    cli.add_argument("--output", required=True, help="the record to write")
    options = cli.parse_args()

    from hardpair.staleness import record

    record.write(options.output, options.made)


if __name__ == "__main__":
    run(main)
