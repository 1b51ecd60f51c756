"""Run tests of faults in full, count the tries of each fault and those in which something was lost, and write the table of docs/faults.md.

A test names its fault in the property ``fault`` and, if it is many tries in one, their number in ``tries``. The exit code is not 0 if
anything was lost. Each file's report is kept for its commit, so that the command, if interrupted, continues with the next file. Example
(`make faults` does this with all files):

  python benchmarks/faults.py tests/workflow/test_crashes.py --write docs/faults.md
"""

import argparse
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from measured import ENVIRONMENT, PROJECT, in_words, machine

START, END = "<!-- faults: written by `make faults` -->", "<!-- end of faults -->"


def arguments() -> argparse.Namespace:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("tests", nargs="+", type=Path, help="files of tests")
    cli.add_argument("--reports", type=Path, default=PROJECT / "results/faults", help="folder for pytest's reports (default %(default)s)")
    cli.add_argument("--write", type=Path, help="Markdown file with a place for the table; default: print it")
    return cli.parse_args()


def report_of(test: Path, folder: Path) -> Path:
    """The JUnit XML file of a file of tests, which are run unless it is there already."""
    report = folder / f"{test.stem}.xml"
    if report.exists() and not commit().endswith(("-dirty", "unknown")):
        return report
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = report.with_suffix(".unfinished")
    pytest = [sys.executable, "-m", "pytest", "-n", "auto", "--dist", "load", "-o", "junit_family=xunit1"]
    done = subprocess.run([*pytest, f"--junitxml={unfinished}", test], env=ENVIRONMENT | {"FAULTS": "full"})
    if (code := done.returncode) > 1:  # 1: tests failed
        sys.exit(f"pytest ended with exit code {code}: run the command again to continue with {test}")
    return unfinished.rename(report)


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
    if options.write:
        before, place, after = options.write.read_text(encoding="utf-8").partition(START)
        if not place or END not in after:
            sys.exit(f"{options.write} has no place for the table: add a line {START} and, below it, a line {END}")
    rows = counts([report_of(test, options.reports / commit()) for test in options.tests])
    if options.write:
        options.write.write_text(f"{before}{START}\n\n{table(rows)}\n{END}{after.partition(END)[2]}", encoding="utf-8")
    else:
        print(table(rows))
    if failed := [fault for fault, row in rows.items() if row["lost"]]:
        sys.exit(f"something was lost: {', '.join(failed)}")


if __name__ == "__main__":
    main()
