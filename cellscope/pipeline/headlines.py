"""What a page says first and last: the sentence and figures of the evidence, what weakens it, how it was measured."""

from __future__ import annotations

import math
from datetime import datetime

from cellscope.evidence.verdicts import Evidence, Q, digits
from cellscope.findings import Findings
from cellscope.pipeline.curves import Histograms
from cellscope.pipeline.find import Search
from cellscope.pipeline.recorded import Recorded
from cellscope.pipeline.scan import searched_from
from cellscope.pipeline.training import held_back_from, is_own
from cellscope.report.contents import Headline, RunHeader

UNTRAINED = {
    "Too rare": "The feature is too rare where the untrained network was heard: nothing says what training added.",
    "Recorded": "A recorded array has no untrained network beside it: nothing says what training added.",
}
"""Why there is no untrained control."""


def header(search: Search) -> RunHeader:
    """Which network read which text; the pages of a text that is not the run's own, and those of another basis, have a
    folder of their own.
    """
    network = search.network
    name = network.name + (f"-{search.bases[0].site.stream}" if search.bases else "")
    return RunHeader(
        name=name if is_own(search.run, search.corpus) else f"{name}-on-{search.corpus.name}",
        corpus=search.corpus.name,
        model=network.description,
        characters=search.findings.characters,
        seed=search.findings.counts.seed,
        date=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        vocabulary_size=None if isinstance(network, Recorded) else len(network.vocabulary),
    )


def headline(search: Search, feature: int, histograms: Histograms) -> Headline:
    """The answer for one feature: the verdict on its best unit."""
    e = search.findings.evidence[feature]
    numbers = list(e.numbers)
    if numbers and not math.isnan(e.current):
        numbers.insert(1, ("current character", digits(e.current)))
    return Headline(
        sentence=sentence_case(e.sentence) + ".",
        numbers=(*numbers, *e.margins),
        good=e.found,
        plain=e.plain,
        caveats=tuple(caveats(search, feature, histograms)),
        method=(*method(search), *_null(e)),
    )


def caveats(search: Search, feature: int, histograms: Histograms) -> list[str]:
    """What a careful reader should know before believing the sentence."""
    e, name = search.findings.evidence[feature], score_name(search.findings, feature)
    has = "have the feature" if e.kind == "span" else "count for it"
    said = [f"{e.labelled:,} of {e.characters:,} characters ({percent(e.labelled / max(e.characters, 1))}) {has}."]
    if e.unit is None or math.isnan(e.score):
        return said
    if e.plain:
        said.append(f"{e.unit} tracks the feature; that it does so shows no memory of more than three characters.")
    elif not e.found:
        said.append(f"The unit shown first, {e.unit}, is the best there is; it is no finding.")
    if e.current >= min(0.97, e.score - 0.02):
        said.append(
            f"The current character alone gives the feature away ({name} {digits(e.current)}): "
            "a high score says little here."
        )
    said += search.caveats
    if math.isnan(e.untrained) and not search.caveats:
        why = "Recorded" if isinstance(search.network, Recorded) else "Too rare"
        said.append(UNTRAINED[why])
    if e.high - e.low > 0.1:
        said.append(f"The interval is wide ({digits(e.low)} to {digits(e.high)}): parts of the text differ much.")
    if e.kind == "span":
        said += _alarms(search, feature, histograms) + _elsewhere(search.findings, feature)
    else:
        said.append("A rank correlation says that the two rise together, not that the unit counts evenly.")
    if e.lag and e.lag_score - e.score > 0.01:
        when = f"{abs(e.lag)} character{'s' if abs(e.lag) > 1 else ''} {'late' if e.lag > 0 else 'early'}"
        said.append(f"The unit goes best with the feature {when}: {name} {digits(e.lag_score)} there.")
    return said


def _alarms(search: Search, feature: int, histograms: Histograms) -> list[str]:
    """How much of what the unit calls the feature is none, where that is most of it."""
    e = search.findings.evidence[feature]
    assert e.unit is not None
    unit = search.findings.units.index(e.unit)
    threshold = float(search.findings.scores["threshold"][feature, unit])
    precision, recall = histograms.precision(feature, unit, e.sign, threshold)
    if precision >= 0.5:
        return []
    return [
        f"Many false alarms: at the threshold of the best F1 only {percent(precision)} of where the unit is on "
        f"lies inside the feature, and {percent(recall)} of the feature is met."
    ]


def _elsewhere(findings: Findings, feature: int) -> list[str]:
    """The feature on which the same unit does clearly better, if there is one."""
    e = findings.evidence[feature]
    assert e.unit is not None
    auc = findings.scores["auc"][:, findings.units.index(e.unit)]
    better = [f for f, other in enumerate(findings.evidence) if not other.remark and auc[f] > e.score + 0.02]
    if not better:
        return []
    best = max(better, key=lambda f: float(auc[f]))
    return [f"The same unit does better on {findings.features[best].name} (AUC {digits(float(auc[best]))})."]


def method(search: Search) -> list[str]:
    """How everything was measured."""
    findings, counts = search.findings, search.findings.counts
    units = f"{len(findings.units):,} units ({', '.join(sites(findings))})"
    abouts = list(dict.fromkeys(f"What are called units here are {basis.about}." for basis in search.bases))
    lines = [
        f"{units} were heard on {_where(search)}",
        *abouts,
        f"A unit is chosen on the even ones of {len(counts.tally.total)} blocks of text and reported on the odd ones; "
        "intervals come from leaving out one block at a time.",
    ]
    if findings.draws:
        lines.append(
            f"p: {findings.draws} circular shifts of the labels (seed {counts.seed}), each time the best of all units, "
            f"so p counts all units; q counts all {len(findings.features)} features too. A finding has q <= {Q:g}."
        )
    alone = "Last three characters: the best prediction of the feature from the text alone, without a network."
    value = "A unit's value at a character is what it did on reading that character, before the next one."
    if isinstance(search.network, Recorded):
        return [*lines, alone, value]
    return [
        *lines,
        f"{alone} Untrained: the best unit of the same network before training.",
        f"{value} Each stretch of text is played after 512 characters of warm-up.",
    ]


def _where(search: Search) -> str:
    """Which text was searched, and whether the network had learnt from it."""
    first, heard = searched_from(search), search.findings.characters
    name = search.corpus.name
    text = f"all {heard:,} characters of {name}" if first == 0 else f"the last {heard:,} characters of {name}"
    if isinstance(search.network, Recorded):
        return f"{text}, {search.network.description}."
    if not is_own(search.run, search.corpus):
        return f"{text}, which is not the text the network was trained on."
    held = len(search.corpus) - max(held_back_from(search.run, search.corpus), first)
    if held >= heard:
        return f"{text}, all of it held back from training."
    return f"{text}; {held:,} of them were held back from training, the rest was trained on."


def _null(e: Evidence) -> list[str]:
    if math.isnan(e.null):
        return []
    return [f"By chance (one shift in twenty) the best of all units reaches {digits(e.null)} on this feature."]


def score_name(findings: Findings, feature: int) -> str:
    """What the score of a feature is called."""
    return "AUC" if findings.features[feature].kind == "span" else "rank correlation"


def sites(findings: Findings) -> list[str]:
    """The searched sites."""
    return list(dict.fromkeys(str(unit.site) for unit in findings.units))


def percent(share: float) -> str:
    """`12 %`, `0.4 %`, `< 0.1 %`."""
    value = 100 * share
    if 0 < value < 0.1:
        return "< 0.1 %"
    return f"{value:.1f} %" if 0 < value < 10 else f"{value:.0f} %"


def sentence_case(text: str) -> str:
    """The text with a capital at its beginning, unless it begins with a name."""
    return (
        text[:1].upper() + text[1:]
        if text.split(" ")[0] in ("cell", "unit", "component", "direction", "no", "the")
        else text
    )
