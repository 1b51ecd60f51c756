"""Mermaid's flowcharts as SVG, drawn by graphviz while the site is built.

Mermaid itself is a script that a page would fetch from elsewhere.
"""

import re
import shutil
import subprocess

FENCE = re.compile(r"^```mermaid\n(.*?)^```$", re.M | re.S)
NODE = re.compile(r'(\w+)(?:\["([^"]*)"\])?')
ARROW = re.compile(r"\s*(<?-->)\s*")
STYLE = (
    "digraph { bgcolor=transparent nodesep=0.3 ranksep=0.25"
    " node [shape=box style=rounded fontname=sans fontsize=12 margin=0.08 color=currentColor fontcolor=currentColor]"
    " edge [color=currentColor arrowsize=0.7]"
)


def drawn(markdown: str) -> str:
    """The page with an SVG for each flowchart, or as it was where graphviz is not installed."""
    return FENCE.sub(lambda fence: svg(fence[1]), markdown) if shutil.which("dot") else markdown


def svg(flowchart: str) -> str:
    """A flowchart, as SVG from top to bottom, which fits a column, in the colours of the text."""
    text = subprocess.run(["dot", "-Tsvg"], input=dot(flowchart), capture_output=True, text=True, check=True).stdout
    text = re.sub(r"<title>.*?</title>\n?", "", text[text.index("<svg") :], flags=re.S)  # of nodes and edges: browsers show them as hints
    spoken = f'<svg role="img" aria-label="Steps, in order: {", ".join(nodes_and_edges(flowchart)[0])}"'
    return f'<div class="diagram">{text.replace("<svg", spoken, 1).strip()}</div>'


def dot(flowchart: str) -> str:
    """A flowchart in the language of graphviz."""
    nodes, edges = nodes_and_edges(flowchart)
    lines = [f'{name} [label="{label}"]' for name, label in nodes.items()]
    lines += [f"{a} -> {b} [dir={'both' if arrow == '<-->' else 'forward'}]" for a, arrow, b in edges]
    return "\n".join((STYLE, *lines, "}"))


def nodes_and_edges(flowchart: str) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """The label of each node, and the edges as (node, arrow, node).

    Raises:
        ValueError: a line is none of ``flowchart LR`` and ``a["label"] & b --> c <--> d``.
    """
    first, *lines = flowchart.strip().splitlines()
    if first != "flowchart LR":
        raise ValueError(f"{first} is not drawn: write flowchart LR")
    labels, edges = {}, []
    for line in lines:
        parts = ARROW.split(line.strip())
        groups = [[NODE.fullmatch(node) for node in part.split(" & ")] for part in parts[::2]]
        if not all(node for group in groups for node in group):
            raise ValueError(f'{line.strip()} is not drawn: write nodes as name or name["label"], and edges as --> or <-->')
        for name, label in (node.groups() for group in groups for node in group):
            labels[name] = label.replace("<br>", r"\n") if label else labels.get(name, name)
        for before, arrow, after in zip(groups, parts[1::2], groups[1:], strict=False):
            edges += [(a[1], arrow, b[1]) for a in before for b in after]
    return labels, edges
