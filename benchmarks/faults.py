"""Run tests of faults in full, count the tries of each fault and those in which something was lost, and write the table of docs/faults.md.

A test names its fault in the property ``fault`` and, if it is many tries in one, their number in ``tries``. The exit code is not 0 if
anything was lost. Each file's report is kept for its commit, so that the command, if interrupted, continues with the next file, and later
runs only the files again for which something has changed. Example (`make faults` does this with all files):

  python benchmarks/faults.py tests/workflow/test_crashes.py --write docs/faults.md
"""

import argparse
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import page_places
from measured import ENVIRONMENT, PROJECT, in_words, machine

PLACE = "`make faults`", "faults"  # of docs/faults.md


def arguments() -> argparse.Namespace:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("tests", nargs="+", type=Path, help="files of tests")
    cli.add_argument("--reports", type=Path, default=PROJECT / "results/faults", help="folder for pytest's reports (default %(default)s)")
    cli.add_argument("--write", type=Path, help="Markdown file with a place for the table; default: print it")
    return cli.parse_args()


def report_of(test: Path, folder: Path) -> Path:
    """The JUnit XML file of a file of tests, below the folder of its commit; the tests are run unless one is there that still holds."""
    for kept in folder.glob(f"*/{test.stem}.xml"):
        if unchanged(kept.parent.name, test):
            return kept
    report = folder / commit() / f"{test.stem}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    unfinished = report.with_suffix(".unfinished")
    pytest = [sys.executable, "-m", "pytest", "-n", "auto", "--dist", "load", "-o", "junit_family=xunit1"]
    done = subprocess.run([*pytest, f"--junitxml={unfinished}", test], env=ENVIRONMENT | {"FAULTS": "full"})
    if (code := done.returncode) > 1:  # 1: tests failed
        sys.exit(f"pytest ended with exit code {code}: run the command again to continue with {test}")
    return unfinished.rename(report)


def unchanged(before: str, test: Path) -> bool:
    """Whether nothing differs from a commit on which a file of tests can depend: all but documentation, benchmarks and other tests."""
    code = [".", ":!docs", ":!benchmarks", ":!tests", ":!*.md"]
    tests = ["tests/helpers", ":(glob)tests/**/conftest.py", str(test.resolve())]
    return all(git("diff", "--quiet", before, "--", *paths).returncode == 0 for paths in (code, tests))


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


def table(rows: dict[str, dict], reports: list[Path]) -> str:
    """The rows in Markdown, with commit and machine below."""
    lines = ["| fault | tries | lost |", "|---|---|---|"]
    for fault, row in rows.items():
        skipped = f" (skipped: {row['skipped']})" if row["skipped"] and not row["tries"] else ""
        lines.append(f"| {fault}{skipped} | {row['tries']:,} | {row['lost']:,} |")
    lines.append(f"| all | {sum(row['tries'] for row in rows.values()):,} | {sum(row['lost'] for row in rows.values()):,} |")
    about = {"commit": commits(reports)} | machine("snakemake", "torch", "pytest")
    return "\n".join([*lines, "", f"Run on: {in_words(about)}."])


def commits(reports: list[Path]) -> str:
    """That of most reports, and of the others by name."""
    (usual, _), *_ = Counter(report.parent.name for report in reports).most_common()
    others = [f"{report.stem}.py: {report.parent.name}" for report in reports if report.parent.name != usual]
    return usual + (f" ({'; '.join(others)})" if others else "")


def commit() -> str:
    """The present one; marked where tracked files differ from it."""
    return git("describe", "--always", "--abbrev=12", "--exclude=*", "--dirty").stdout.strip() or "unknown"


def git(*words: str) -> subprocess.CompletedProcess:
    """The answer of git for this project."""
    return subprocess.run(["git", "-C", str(PROJECT), *words], capture_output=True, text=True)


def main() -> None:
    options = arguments()
    if options.write:
        page_places.check(options.write, PLACE[0], [PLACE[1]])
    reports = [report_of(test, options.reports) for test in options.tests]
    rows = counts(reports)
    if options.write:
        page_places.fill(options.write, PLACE[0], {PLACE[1]: table(rows, reports)})
    else:
        print(table(rows, reports))
    if failed := [fault for fault, row in rows.items() if row["lost"]]:
        sys.exit(f"something was lost: {', '.join(failed)}")


if __name__ == "__main__":
    main()
