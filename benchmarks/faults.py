"""Count the tries of each fault, and those in which something was lost, in pytest's reports; write the table of docs/faults.md.

A test names its fault in the property ``fault`` and, if it is many tries in one, their number in ``tries``. The exit code is not 0 if
anything was lost. Example (what `make faults` does):

  FAULTS=full pytest tests/workflow/test_crashes.py --junitxml=faults.xml; python benchmarks/faults.py faults.xml --write docs/faults.md
"""

import argparse
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from measured import PROJECT, in_words, machine

START, END = "<!-- faults: written by `make faults` -->", "<!-- end of faults -->"


def arguments() -> argparse.Namespace:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("reports", nargs="+", type=Path, help="JUnit XML files that pytest wrote")
    cli.add_argument("--write", type=Path, help="Markdown file with a place for the table; default: print it")
    return cli.parse_args()


def counts(reports: list[Path]) -> dict[str, dict]:
    """By fault, in the order met: ``tries``, ``lost``, and the reason of those that were ``skipped``."""
    rows = {}
    for case in (case for report in reports for case in ET.parse(report).iter("testcase")):
        properties = {entry.get("name"): entry.get("value") for entry in case.iter("property")}
        failed = case.find("failure") is not None or case.find("error") is not None
        if "fault" not in properties and not failed:
            continue
        row = rows.setdefault(properties.get("fault", case.get("name")), {"tries": 0, "lost": 0, "skipped": None})
        if (skipped := case.find("skipped")) is not None:
            row["skipped"] = skipped.get("message")
            continue
        row["tries"] += int(properties.get("tries", 1))
        row["lost"] += failed
    return rows


def table(rows: dict[str, dict]) -> str:
    """The rows in Markdown, with the machine below."""
    lines = ["| fault | tries | lost |", "|---|---|---|"]
    for fault, row in rows.items():
        skipped = f" (skipped: {row['skipped']})" if row["skipped"] and not row["tries"] else ""
        lines.append(f"| {fault}{skipped} | {row['tries']:,} | {row['lost']:,} |")
    lines.append(f"| all | {sum(row['tries'] for row in rows.values()):,} | {sum(row['lost'] for row in rows.values()):,} |")
    about = {"commit": commit()} | machine("snakemake", "torch", "pytest")
    return "\n".join([*lines, "", f"Run on: {in_words(about)}.", ""])


def commit() -> str:
    """The present one; marked where tracked files differ from it."""
    git = ["git", "-C", str(PROJECT), "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty"]
    return subprocess.run(git, capture_output=True, text=True).stdout.strip() or "unknown"


def main() -> None:
    options = arguments()
    rows = counts(options.reports)
    if options.write:
        before, place, after = options.write.read_text(encoding="utf-8").partition(START)
        if not place or END not in after:
            sys.exit(f"{options.write} has no place for the table: add a line {START} and, below it, a line {END}")
        options.write.write_text(f"{before}{START}\n\n{table(rows)}\n{END}{after.partition(END)[2]}", encoding="utf-8")
    else:
        print(table(rows))
    if failed := [fault for fault, row in rows.items() if row["lost"]]:
        sys.exit(f"something was lost: {', '.join(failed)}")


if __name__ == "__main__":
    main()
