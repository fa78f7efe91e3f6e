"""The ranking: every unit, its scores, and its two histograms as a picture of one line's height."""

from __future__ import annotations

from collections.abc import Sequence

from cellscope.report.contents import Ranking, Table
from cellscope.report.files import Cell
from cellscope.report.words import visible

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

COLUMNS: dict[str, tuple[str, str]] = {
    "auc": ("AUC", "area under the ROC curve, on what the unit was not chosen on; .5 is chance, 1 perfect"),
    "auc_low": ("low", "lower end of the 95 % interval of the AUC"),
    "auc_high": ("high", "upper end of the 95 % interval of the AUC"),
    "ap": ("AP", "average precision"),
    "f1": ("F1", "best F1, at the threshold chosen on the other half"),
    "threshold": ("thr.", "the activation at which F1 is best"),
    "iou": ("IoU", "overlap of where the unit is on with where the feature is"),
    "iou_most": ("at most", "the greatest IoU that a concept of this size allows"),
    "dissection": ("dissection", "IoU after Network Dissection: the highest places of the unit against the concept"),
    "attainable": ("at most", "the greatest such IoU that a concept of this size allows"),
    "mi": ("MI", "mutual information, bits"),
    "r": ("r", "correlation with the feature"),
    "rank_r": ("rank r", "correlation of ranks with the feature"),
    "d": ("d", "Cohen's d: distance of the two means in standard deviations"),
    "lag": ("lag", "characters by which the unit follows (+) or leads (-) the feature at its best"),
    "lag_auc": ("at lag", "the AUC at the best lag"),
    "time scale": ("time scale", "characters until the autocorrelation falls to 1/e"),
    "without it": ("without it", "nats a character that the loss rises by inside the unit's feature, the unit held"),
    "without it elsewhere": (
        "without it, elsewhere",
        "nats a character that the loss rises by outside the unit's feature, the unit held",
    ),
    "p": ("p", "chance of a score this good for the best of all units, by shifted labels"),
    "q": ("q", "p, corrected over features"),
}
"""Heading and meaning of each known score."""

FORMS = {"whole": ("lag", "rank", "unit"), "p": ("p", "q"), "fine": ("without it", "without it elsewhere")}
"""How numbers of a column are written, unless it is with two digits."""


def columns_panel(names: Sequence[str]) -> list[dict[str, str]]:
    """What the table's script needs of each column: key, heading, meaning, and how a number is written."""
    made = []
    for name in names:
        label, hint = COLUMNS.get(name, (visible(name).replace("_", " "), ""))
        form = next((form for form, names in FORMS.items() if name in names), "number")
        made.append({"key": name, "label": label, "hint": hint, "form": form})
    return made


def sparkline(counts: Sequence[int]) -> str:
    """A histogram as a digit (0-z) per bin; each histogram has its own full height, so that shapes compare."""
    top = max(counts, default=0)
    return "".join(DIGITS[round(35 * max(c, 0) / top)] if top > 0 else "0" for c in counts)


def ranking_panel(ranking: Ranking) -> dict[str, object]:
    """Rows as short lists: address, sign, inside, outside, then the shown scores."""
    rows = [
        [row.address, row.sign, sparkline(row.inside), sparkline(row.outside)]
        + [row.scores.get(name) for name in ranking.columns]
        for row in ranking.rows
    ]
    return {"columns": columns_panel(ranking.columns), "rows": rows, "what": "units"}


def features_panel(table: Table) -> dict[str, object]:
    """The same table with a feature in each row, for the page of one unit."""
    names = [c for c in table.columns if c != "feature"]
    rows = [[str(row.get("feature", "")), 1, "", "", *(row.get(name) for name in names)] for row in table.rows]
    return {"columns": columns_panel(names), "rows": rows, "what": "features"}


def ranking_rows(ranking: Ranking) -> tuple[list[str], list[dict[str, Cell]]]:
    """The table beside the page: every score that any unit has, not only the shown ones."""
    names = list(dict.fromkeys([*ranking.columns, *(key for row in ranking.rows for key in row.scores)]))
    columns = ["rank", "unit", "sign", *names]
    rows: list[dict[str, Cell]] = [
        {"rank": k, "unit": row.address, "sign": row.sign, **{n: row.scores.get(n) for n in names}}
        for k, row in enumerate(ranking.rows, start=1)
    ]
    return columns, rows
