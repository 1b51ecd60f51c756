"""Runs of any origin compared with a baseline. Imports no torch.

A table of runs has the columns variant, seed, measure and value, one row a number (``measured_csv``).
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hardpair.comparison import claims, claims_in_words, measured_unit
from hardpair.comparison.claims import Part
from hardpair.comparison.claims_in_words import relation
from hardpair.comparison.markdown_text import escape, table_header, table_row
from hardpair.comparison.measured_csv import choice
from hardpair.comparison.verdicts import ALPHA
from hardpair.errors import UserError
from hardpair.measures import power, significance, spread
from hardpair.measures.intervals import FEWEST, paired, shown_interval

DIRECTIONS = {"higher": 1, "lower": -1}
LARGEST_MARGIN = 1e9  # times the values


@dataclass(frozen=True)
class Contrast:
    """A variant against the baseline in one measure.

    Attributes:
        part: of a claim that the variant is better; its gains are divided by its unit's factor, since tests take numbers near 1.
        unpaired: seeds that one of the two lacks.
        missing: seeds that neither has in this measure, but in another.
    """

    variant: str
    baseline: str
    measure: str
    part: Part
    unpaired: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def differences(self) -> np.ndarray:
        """Variant − baseline by seed, float64 (n,)."""
        return self.part.sign * self.part.gains * self.part.unit.factor


def contrasts(table: pd.DataFrame, baseline: str, directions: dict[str, int], margins: dict[str, float]) -> list[Contrast]:
    """Each variant against the baseline in each measure, paired by the seeds that both have, in the order of the table.

    Args:
        directions: 1 where higher is better, −1 where lower is, by measure.
        margins: differences that do not matter, by measure; 0 where there is none.

    Raises:
        UserError: the baseline has no run, a variant shares no seed with it, or a margin or a variant's values are far above all others.
    """
    variants = table["variant"].unique().tolist()
    if baseline not in variants:
        raise UserError(f"--baseline is {baseline}, which has no run: {choice(baseline, variants)}")
    found = []
    for measure, sign in directions.items():
        values = {name: of_variant(table, name, measure) for name in variants}
        compared = {name: _paired(values, name, baseline, measure) for name in variants if name != baseline}
        if not compared:
            return []
        _refuse_far(measure, {name: float(np.abs(np.concatenate(pair)).max()) for name, (*pair, _) in compared.items()})
        size = measured_unit.scale([np.concatenate(pair) for *pair, _ in compared.values()])
        margin = margins.get(measure, 0.0) / size
        if margin > LARGEST_MARGIN:
            raise UserError(f"--margin of {measure} is {margins[measure]:g}, far above all its values: give it in the units of the measure")
        differences = [spread.differences(first / size, second / size) for first, second, _ in compared.values()]
        units = measured_unit.units(size, differences)
        for (name, (*_, unpaired)), values, unit in zip(compared.items(), differences, units, strict=True):
            part = Part(f"{name} against {baseline}", measure, sign * values, sign, margin, unit)
            of_any = set(table.loc[table["variant"].isin((name, baseline)), "seed"])
            missing = of_any.difference(of_variant(table, name, measure).index, of_variant(table, baseline, measure).index)
            found.append(Contrast(name, baseline, measure, part, unpaired, tuple(sorted(missing))))
    return sorted(found, key=lambda entry: variants.index(entry.variant))


def _refuse_far(measure: str, largest: dict[str, float]) -> None:
    """Refuse a variant whose values are so far above those of another that differences of both cannot be computed on one scale.

    Args:
        largest: absolute value by variant.

    Raises:
        UserError: names it.
    """
    far = max(largest, key=largest.get)
    if any(0 < size < largest[far] / measured_unit.APART for size in largest.values()):
        limit = f"more than {measured_unit.APART:g} times the values of another variant"
        raise UserError(f"{measure} of {far}, or of the baseline with the same seed, reaches {largest[far]:g}, {limit}: remove that run")


def _paired(values: dict[str, pd.Series], variant: str, baseline: str, measure: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Values of both by seed, float64 (n,) each, and the seeds that only one of the two has."""
    first, second = values[variant], values[baseline]
    seeds = first.index.intersection(second.index, sort=False)
    for name, rows in ((variant, first), (baseline, second)):
        if rows.empty:
            raise UserError(f"{name} has no {measure}: add it to the table, or leave {measure} out of --better")
    if not len(seeds):
        raise UserError(f"{variant} and {baseline} have no seed in common for {measure}: train both with the same seeds")
    a, b = paired(first.loc[seeds], second.loc[seeds])
    return a, b, tuple(sorted(first.index.symmetric_difference(second.index)))


def of_variant(table: pd.DataFrame, variant: str, measure: str) -> pd.Series:
    """Values float64 of a variant by seed."""
    return table[(table["variant"] == variant) & (table["measure"] == measure)].set_index("seed")["value"]


def summary_table(table: pd.DataFrame) -> pd.DataFrame:
    """A row per variant and measure: n, mean, sd, and the 95 % t interval of the mean."""
    rows = [
        {"variant": variant, "measure": measure} | _interval(rows["value"].to_numpy())
        for (variant, measure), rows in table.groupby(["variant", "measure"], sort=False)
    ]
    return pd.DataFrame(rows)


def _interval(values: np.ndarray) -> dict[str, float | int]:
    """``shown_interval`` of float (n,) values of any size."""
    size = measured_unit.scale([values])
    return _times(size, shown_interval(values / size))


def _times(size: float, row: dict[str, float | int]) -> dict[str, float | int]:
    """Statistics with all but ``n`` multiplied by ``size``."""
    return {key: value if key == "n" else size * value for key, value in row.items()}


def verdicts_table(contrasts: list[Contrast]) -> pd.DataFrame:
    """A row per contrast: n, difference with its 95 % t interval, p of the paired t test and of the sign-flip test, what is detectable,
    and the verdict of ``claims.judged`` on "the variant is better", adjusted over all contrasts (Holm)."""
    named = [{"name": entry.variant, "sentence": f"{entry.variant} is better.", "control": False} for entry in contrasts]
    judged = claims.judged(named, [[entry.part] for entry in contrasts])
    rows = []
    for entry, (_, verdict) in zip(contrasts, judged.iterrows(), strict=True):
        values = entry.part.sign * entry.part.gains
        numbers, size = shown_interval(values), entry.part.unit.factor
        row = {key: getattr(entry, key) for key in ("variant", "baseline", "measure")} | _times(size, numbers)
        row |= {"p": float(significance.t_test(values)), "p_sign_flip": significance.sign_flip(values)}
        row |= {"detectable": size * power.detectable(numbers["sd"], numbers["n"]), **verdict[["p_adjusted", "p_equivalent"]]}
        rows.append(row | {"verdict": verdict["verdict"], "why": verdict["why"]})
    return pd.DataFrame(rows).rename(columns={"mean": "difference"})


def markdown(summary: pd.DataFrame, verdicts: pd.DataFrame, contrasts: list[Contrast], directions: dict[str, int], by: str) -> str:
    """Verdicts first, their reasons, what was left out, then the means, as Markdown; ``by`` names what pairs runs."""
    ends = {measure: "higher" if sign > 0 else "lower" for measure, sign in directions.items()}
    adjusted = f"; p is adjusted over {len(contrasts)} comparisons (Holm), intervals are not" if len(contrasts) > 1 else ""
    tests = f"mean, Student's 95 % interval and p of the paired t test{adjusted}"
    lines = [f"Differences from {escape(contrasts[0].baseline)}, paired by {escape(by)}: {tests}."]
    lines += ["", *table_header(["variant", "measure", "n", "difference", "p", "verdict"])]
    for entry, (_, row) in zip(contrasts, verdicts.iterrows(), strict=True):
        unit = replace(entry.part.unit, factor=1.0)  # of what the table holds
        interval = f" [{unit.number(row['low'])}, {unit.number(row['high'])}]" if math.isfinite(row["low"]) else ""
        p = relation(row["p_adjusted"], ALPHA).removeprefix("= ") if row["n"] >= FEWEST and math.isfinite(row["p_adjusted"]) else ""
        measure = f"{entry.measure} ({ends[entry.measure]} is better)"
        lines.append(
            table_row([escape(entry.variant), escape(measure), str(row["n"]), unit.number(row["difference"]) + interval, p, row["verdict"]])
        )
    left_out = [
        f"{entry.variant}, {entry.measure}: left out, {why} {by} {', '.join(seeds)}"
        for entry in contrasts
        for why, seeds in (("no partner for", entry.unpaired), ("no value of", entry.missing))
        if seeds
    ]
    lines += ["", *(f"- {escape(reason)}." for reason in reasons(contrasts, verdicts) + left_out)]
    lines += ["", *table_header(["variant", "measure", "n", "mean", "sd", "95 % interval"])]
    units = {measure: [entry.part.unit for entry in contrasts if entry.measure == measure] for measure in directions}
    for _, row in summary.iterrows():
        unit = measured_unit.unit_of_mean(units[row["measure"]], row["sd"])
        mean, sd, low, high = (unit.number(row[key], signed=False) for key in ("mean", "sd", "low", "high"))
        sd, interval = (text if math.isfinite(row[key]) else "" for text, key in ((sd, "sd"), (f"{low} to {high}", "low")))
        lines.append(table_row([escape(row["variant"]), escape(row["measure"]), str(row["n"]), mean, sd, interval]))
    return "\n".join(lines) + "\n"


def reasons(contrasts: list[Contrast], verdicts: pd.DataFrame) -> list[str]:
    """Why each verdict is what it is; a reason that names no variant, such as too few seeds, gets its contrast in front."""
    pairs = zip(contrasts, verdicts["why"], strict=True)
    return [why if why.startswith(name := claims_in_words.name(entry.part)) else f"{name}: {why}" for entry, why in pairs]
