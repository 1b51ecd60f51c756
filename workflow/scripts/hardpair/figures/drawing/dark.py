"""Figures on dark pages: an SVG that has other colours there, without a second copy of it."""

BACKGROUND = "#161618"
# What stands for a colour on a dark page. Cells of matrices and what is written on them are left as they are.
ON_DARK = {
    "#ffffff": BACKGROUND,
    "#222222": "#ececea",
    "#000000": "#f4f4f2",
    "#666666": "#a9a9a4",
    "#dddddd": "#3a3a3e",
    "#f5f5f5": "#212124",
    "#555555": "#bdbdb8",
    "#f0f0ec": "#2b2b2e",
    "#0b6b46": "#6fd3a3",
    "#e3f1ea": "#16332a",
    "#9a3412": "#f3a98f",
    "#fce8df": "#3d2018",
    "#2b4f86": "#a3c2f2",
    "#e4ecf7": "#1f2c44",
    "#cfd8e6": "#2f3e55",
    "#7b8794": "#9aa6b3",
    "#a3168a": "#f07bd8",
    "#6a3d9a": "#b79be0",
    "#0072b2": "#3f9fd8",
    "#d55e00": "#ee7d2b",
}


def rules(svg: str) -> str:
    """Style rules for those of the colours that an SVG has, for screens that prefer dark pages."""
    found = [colour for colour in ON_DARK if colour in svg]
    pairs = [f'[style*="{key}: {colour}"]{{{key}:{ON_DARK[colour]}!important}}' for colour in found for key in ("fill", "stroke")]
    return f"<style>@media screen and (prefers-color-scheme:dark){{{''.join(pairs)}}}</style>"


def adapted(svg: str) -> str:
    """An SVG of Matplotlib with the rules at its end."""
    head, end, tail = svg.rpartition("</svg>")
    return f"{head} {rules(svg)}\n{end}{tail}"
