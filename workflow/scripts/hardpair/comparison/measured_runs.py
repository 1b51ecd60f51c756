"""Runs of any origin as one table of numbers, compared with a baseline. Imports no torch.

A table has columns variant, seed, measure and value, one row a number.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hardpair.comparison import claims
from hardpair.comparison.claims import Part, Unit
from hardpair.config.sentences import advice
from hardpair.errors import UserError
from hardpair.files.readers import read_with
from hardpair.measures import power, significance
from hardpair.measures.intervals import shown_interval

DIRECTIONS = {"higher": 1, "lower": -1}


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a CSV: ``measure`` and ``value`` are those of a long one, which has a row a number."""

    variant: str = "variant"
    seed: str = "seed"
    measure: str = "metric"
    value: str = "value"


def read(path: Path, columns: Columns, measures: list[str], where: dict[str, str]) -> pd.DataFrame:
    """A CSV of runs as a table, its variants and seeds as texts in the order of the file.

    Args:
        measures: to keep. Where each is a column, a row of the CSV is a run; else the CSV is a long one.
        where: rows to keep, as values by column.

    Raises:
        UserError: the file cannot be read, lacks a column or all rows, or a run has no number or two.
    """
    raw = read_with(path, lambda path: pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig"))
    for column, value in where.items():
        _require(path, raw, column)
        raw = raw[raw[column] == value]
    _require(path, raw, columns.variant, columns.seed)
    if all(measure in raw for measure in measures):
        table = raw.melt([columns.variant, columns.seed], measures, "measure", "value")
    else:
        _require(path, raw, *((columns.measure, columns.value) if columns.measure in raw else measures))
        table = raw[raw[columns.measure].isin(measures)].rename(columns={columns.measure: "measure", columns.value: "value"})
        for measure in measures:
            if measure not in set(table["measure"]):
                raise UserError(f"{path} has no {measure}: {_choice(measure, raw[columns.measure].unique().tolist())}")
    table = table.rename(columns={columns.variant: "variant", columns.seed: "seed"})[["variant", "seed", "measure", "value"]]
    table["value"] = _numbers(path, table)
    twice = table[table.duplicated(["variant", "seed", "measure"])]
    if len(twice):
        row = twice.iloc[0]
        raise UserError(
            f"{path} has seed {row.seed} of {row.variant} more than once: keep one row of each run, or choose rows with --where"
        )
    if table.empty:
        raise UserError(f"{path} has no run{' that --where keeps' if where else ''}: give it a row for each run")
    return table.reset_index(drop=True)


def _require(path: Path, table: pd.DataFrame, *columns: str) -> None:
    for column in columns:
        if column not in table:
            raise UserError(f"{path} has no column {column}: {_choice(column, table.columns.tolist())}")


def _choice(name: str, known: list[str]) -> str:
    return advice(name, known, f"choose from {', '.join(known[:20])}")


def _numbers(path: Path, table: pd.DataFrame) -> pd.Series:
    numbers = pd.to_numeric(table["value"], errors="coerce")
    wrong = table[~np.isfinite(numbers)]
    if len(wrong):
        row = wrong.iloc[0]
        value = "no value" if not row.value.strip() else repr(row.value)
        raise UserError(f"{path}: {row.measure} of {row.variant} with seed {row.seed} is {value}: give a number, or leave the run out")
    return numbers.astype(np.float64)


@dataclass(frozen=True)
class Contrast:
    """A variant against the baseline in one measure."""

    variant: str
    baseline: str
    measure: str
    part: Part

    @property
    def differences(self) -> np.ndarray:
        """Variant − baseline by seed, float64 (n,)."""
        return self.part.sign * self.part.gains


def contrasts(table: pd.DataFrame, baseline: str, directions: dict[str, int], margins: dict[str, float]) -> list[Contrast]:
    """Each variant against the baseline in each measure, paired by the seeds that both have, in the order of the table.

    Args:
        directions: 1 where higher is better, −1 where lower is, by measure.
        margins: differences that do not matter, by measure; 0 where there is none.

    Raises:
        UserError: the baseline has no run, or a variant shares no seed with it.
    """
    variants = table["variant"].unique().tolist()
    if baseline not in variants:
        raise UserError(f"--baseline is {baseline}, which has no run: {_choice(baseline, variants)}")
    found = []
    for measure, sign in directions.items():
        differences = {name: _differences(table, name, baseline, measure) for name in variants if name != baseline}
        if not differences:
            return []
        unit = Unit(1, "", digits(np.concatenate([values - values.mean() for values in differences.values()])))
        for name, values in differences.items():
            part = Part(f"{name} against {baseline}, {measure}", sign * values, sign, margins.get(measure, 0.0), unit)
            found.append(Contrast(name, baseline, measure, part))
    return sorted(found, key=lambda entry: variants.index(entry.variant))


def _differences(table: pd.DataFrame, variant: str, baseline: str, measure: str) -> np.ndarray:
    first, second = (of_variant(table, name, measure) for name in (variant, baseline))
    seeds = [seed for seed in first.index if seed in second.index]
    if not seeds:
        raise UserError(f"{variant} and {baseline} have no seed in common for {measure}: train both with the same seeds")
    return (first.loc[seeds] - second.loc[seeds]).to_numpy()


def of_variant(table: pd.DataFrame, variant: str, measure: str) -> pd.Series:
    """Values float64 of a variant by seed."""
    return table[(table["variant"] == variant) & (table["measure"] == measure)].set_index("seed")["value"]


def digits(deviations: np.ndarray) -> int:
    """Decimals that show two digits of the spread of float (n,) deviations from a mean; 4 where they have none."""
    spread = float(np.sqrt(np.mean(np.square(deviations))))
    return int(np.clip(1 - math.floor(math.log10(spread)), 0, 8)) if spread else 4


def unpaired(table: pd.DataFrame, baseline: str) -> dict[str, list[str]]:
    """Seeds of each variant that the baseline lacks or that it lacks itself; only variants that have some."""
    seeds = {name: set(rows["seed"]) for name, rows in table.groupby("variant", sort=False)}
    odd = {name: sorted(own ^ seeds[baseline], key=str) for name, own in seeds.items() if name != baseline}
    return {name: found for name, found in odd.items() if found}


def summary_table(table: pd.DataFrame) -> pd.DataFrame:
    """A row per variant and measure: n, mean, sd, and the 95 % t interval of the mean."""
    rows = [
        {"variant": variant, "measure": measure} | shown_interval(rows["value"].to_numpy())
        for (variant, measure), rows in table.groupby(["variant", "measure"], sort=False)
    ]
    return pd.DataFrame(rows)


def verdicts_table(contrasts: list[Contrast]) -> pd.DataFrame:
    """A row per contrast: n, difference with its 95 % t interval, p of the paired t test and of the sign-flip test, what is detectable,
    and the verdict of ``claims.judged`` on "the variant is better", adjusted over all contrasts (Holm)."""
    named = [{"name": entry.variant, "sentence": f"{entry.variant} is better.", "control": False} for entry in contrasts]
    judged = claims.judged(named, [[entry.part] for entry in contrasts])
    rows = []
    for entry, (_, verdict) in zip(contrasts, judged.iterrows(), strict=True):
        values = entry.differences
        row = {key: getattr(entry, key) for key in ("variant", "baseline", "measure")} | shown_interval(values)
        row |= {"p": float(significance.t_test(values)), "p_sign_flip": significance.sign_flip(values) if len(values) > 1 else math.nan}
        row |= {"detectable": power.detectable(row["sd"], row["n"]), "p_adjusted": verdict["p_adjusted"]}
        rows.append(row | {"verdict": verdict["verdict"], "why": verdict["why"]})
    return pd.DataFrame(rows).rename(columns={"mean": "difference"})


def markdown(summary: pd.DataFrame, verdicts: pd.DataFrame, contrasts: list[Contrast], directions: dict[str, int]) -> str:
    """Verdicts first, then the means, as Markdown."""
    ends = {measure: "higher" if sign > 0 else "lower" for measure, sign in directions.items()}
    lines = [f"Differences to {contrasts[0].baseline}, paired by seed: mean and Student's 95 % interval; p of the paired t test, adjusted"]
    lines[0] += f" over {len(contrasts)} comparisons (Holm)." if len(contrasts) > 1 else ", of one comparison."
    lines += ["", *_table(["variant", "measure", "n", "difference", "p", "verdict"])]
    for entry, (_, row) in zip(contrasts, verdicts.iterrows(), strict=True):
        unit = entry.part.unit
        interval = f" [{unit.number(row['low'])}, {unit.number(row['high'])}]" if math.isfinite(row["low"]) else ""
        p = f"{row['p_adjusted']:.2g}" if math.isfinite(row["p_adjusted"]) else ""
        measure = f"{entry.measure} ({ends[entry.measure]} is better)"
        lines.append(_row([entry.variant, measure, row["n"], unit.number(row["difference"]) + interval, p, row["verdict"]]))
    lines += ["", *(f"- {_cell(why)}." for why in verdicts["why"])]
    lines += ["", *_table(["variant", "measure", "n", "mean", "sd", "95 % interval"])]
    units = {entry.measure: entry.part.unit for entry in contrasts}
    for _, row in summary.iterrows():
        unit = units[row["measure"]]
        mean, sd, low, high = (unit.number(row[key], signed=False) for key in ("mean", "sd", "low", "high"))
        sd, interval = (text if math.isfinite(row[key]) else "" for text, key in ((sd, "sd"), (f"{low} to {high}", "low")))
        lines.append(_row([row["variant"], row["measure"], row["n"], mean, sd, interval]))
    return "\n".join(lines) + "\n"


def _table(titles: list[str]) -> list[str]:
    return [_row(titles), f"|{'---|' * len(titles)}"]


def _row(cells: list) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(value: object) -> str:
    """A text that cannot break a table or become markup."""
    return re.sub(r"([\\|*`<])", r"\\\1", " ".join(str(value).split()))
