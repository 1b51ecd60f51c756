"""Draw the steps of a study: a box for each rule, and of train and of their own searches one for each variant, in frames. Example:

  python workflow/scripts/draw_dag.py --jobs results/jobs.mmd --output results/dag.dot

where `snakemake --quiet all --dag mermaid-js` printed the jobs.
"""

import functools
import re
from pathlib import Path

from hardpair.cli.command import parser, run
from hardpair.files.visible import visible_files


def steps_of(jobs: str) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """The phase of each step, the first steps first, and the edges between steps, of Snakemake's graph of jobs."""
    files = visible_files((Path(__file__).parents[1] / "rules").glob("*.smk"))
    phases = {rule: file.stem for file in files for rule in re.findall(r"^ *rule (\w+):", file.read_text(), re.M)}
    boxes = [box for box in re.findall(r"^\s*(id\d+)\[(\w+)(.*)\]$", jobs, re.M) if box[1] in phases]  # without `all` and the like
    arrows = re.findall(r"(id\d+) --> (id\d+)", jobs)
    shown = {job: variant[1] for job, _, wildcards in boxes if (variant := re.search(r"variant: (\S+)", wildcards))}
    before = {end: [first for first, last in arrows if last == end] for _, end in arrows}

    @functools.cache
    def variant_of(job: str) -> str | None:
        """Snakemake shows it where it is new, so that later jobs have that of an earlier one."""
        return shown.get(job) or next(filter(None, map(variant_of, before.get(job, []))), None)

    rules, names = {}, {}
    for job, rule, _ in boxes:
        variant = variant_of(job) if rule == "train" or phases[rule] == "search" else None
        names[job] = f"{rule} {variant}" if variant else rule.replace("assemble_figure", "assemble_figure: the final figure")
        rules[names[job]] = rule
    edges = [edge for edge in arrows if set(edge) <= names.keys()]
    return {name: phases[rule] for name, rule in reversed(rules.items())}, {(names[a], names[b]) for a, b in edges}


def direct(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The edges that do not follow from others."""
    kept = set(edges)
    for a, b in sorted(edges):
        reached = {a}
        while more := {end for start, end in kept - {(a, b)} if start in reached} - reached:
            reached |= more
        if b in reached:
            kept.remove((a, b))
    return kept


def drawn(phases: dict[str, str], edges: set[tuple[str, str]], dot: bool) -> str:
    """The graph in the language of graphviz, or as Mermaid."""
    ids = {name: f"s{place}" for place, name in enumerate(phases)}
    start = "digraph { node [shape=box style=rounded fontname=sans] graph [style=rounded]"
    lines = [start if dot else "flowchart TB"]
    for phase in (each for each in ("data", "search", "train", "evaluate", "report") if each in phases.values()):
        lines.append(f"  subgraph cluster_{phase} {{" if dot else f"  subgraph {phase}")
        if dot:  # a node: arrows avoid these, but cross the label of a frame
            lines.append(f"    title_{phase} [label={phase} shape=plaintext]")
        lines += [f'    {ids[name]} [label="{name}"]' if dot else f'    {ids[name]}["{name}"]' for name in phases if phases[name] == phase]
        lines.append("  }" if dot else "  end")
    lines += [f"  {ids[a]} {'->' if dot else '-->'} {ids[b]}" for a, b in sorted(edges)]
    return "\n".join(lines) + ("\n}\n" if dot else "\n")


def main() -> None:
    cli = parser(__doc__)
    cli.add_argument("--jobs", type=Path, required=True, help="what `snakemake --quiet all --dag mermaid-js` printed")
    cli.add_argument("--output", type=Path, required=True, help="file to write: .dot for graphviz, else Mermaid")
    options = cli.parse_args()
    from hardpair.files.atomic import write_text

    phases, edges = steps_of(options.jobs.read_text(encoding="utf-8"))
    write_text(options.output, drawn(phases, direct(edges), options.output.suffix == ".dot"))


if __name__ == "__main__":
    run(main)
