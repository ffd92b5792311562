# SPDX-License-Identifier: GPL-2.0-or-later
"""Medians, ratios and geometric means, and whether the targets are reached.

results[peer][name] = {"status": 0, "check": run or None, "runs": [run ...]}
run = {"iterations": n, "seconds": s, "sum": text}
Costs are seconds (or cycles) for one iteration, so that a slow peer may do fewer of them.
"""
import math

NATIVE, DOPPEL, TCG = "native", "doppel", "tcg"


def median(values):
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(math.log(v) for v in values) / len(values)) if values else None


def cost(entry):
    """Median of seconds for an iteration; None if the item failed or did not run."""
    if not entry or entry["status"] != 0 or not entry["runs"]:
        return None
    each = median([run["seconds"] / run["iterations"] for run in entry["runs"]])
    return each if each > 0 else None


def first_cost(entry):
    """The first run of a job, when nothing is cached or translated yet."""
    if not entry or not entry.get("check") or entry["status"] != 0:
        return None
    return entry["check"]["seconds"] / entry["check"]["iterations"]


def spread(entry):
    """Slowest run by fastest run."""
    each = [run["seconds"] / run["iterations"] for run in entry["runs"]]
    return max(each) / min(each) if each and min(each) > 0 else None


def ratio(a, b):
    return a / b if a is not None and b is not None else None


def wrong_sums(results, name, ignored=()):
    """Peers whose checksum is not native's; all, if there is no native and they differ."""
    sums = {}
    for peer, entries in results.items():
        entry = entries.get(name)
        if entry and entry.get("check") and entry["status"] == 0 and peer not in ignored:
            sums[peer] = entry["check"]["sum"]
    if NATIVE in sums:
        return [peer for peer, value in sums.items() if value != sums[NATIVE]]
    return list(sums) if len(set(sums.values())) > 1 else []


def rows_of(items, results, peers, other_programs=()):
    """One row an item: costs by peer, ratios to native and to TCG.  The peers last named ran another
    build, whose checksums say nothing."""
    rows = []
    for item in items:
        name = item["name"]
        costs = {p: cost(results.get(p, {}).get(name)) for p in peers}
        rows.append({
            "name": name,
            "group": item["group"],
            "unit": item["unit"],
            "cost": costs,
            "first": {p: first_cost(results.get(p, {}).get(name)) for p in peers},
            "spread": {p: spread(results[p][name]) for p in peers if costs[p] is not None},
            "to_native": {p: ratio(costs[p], costs.get(NATIVE)) for p in peers},
            "to_tcg": {p: ratio(costs[p], costs.get(TCG)) for p in peers},
            "failed": [p for p in peers if name in results.get(p, {}) and costs[p] is None],
            "wrong": wrong_sums(results, name, other_programs),
        })
    return rows


def means_of(rows, peers):
    """Geometric means by group, over what the peer ran; none where a ratio is missing."""
    means = []
    for group in dict.fromkeys(row["group"] for row in rows):
        mine = [row for row in rows if row["group"] == group]
        mean = {"group": group, "to_native": {}, "to_tcg": {}, "count": len(mine)}
        for key in ("to_native", "to_tcg"):
            for peer in peers:
                values = [row[key][peer] for row in mine if row["cost"].get(peer) is not None]
                values = [] if None in values else values
                mean[key][peer] = geometric_mean(values)
        means.append(mean)
    return means


# group, ratio, what is compared, limit, words
TARGETS = (
    ("int", "to_native", "mean", 2.0, "integer compute, geometric mean, times native"),
    ("int", "to_native", "worst", 4.0, "integer compute, worst kernel, times native"),
    ("float", "to_native", "mean", 1.6, "float, SIMD, x87, geometric mean, times native"),
    ("system", "to_tcg", "mean", 0.5, "system, geometric mean, part of TCG's time"),
    ("system", "to_tcg", "worst", 1.0, "system, worst kernel, part of TCG's time"),
    ("job", "to_tcg", "mean", 0.4, "whole jobs, geometric mean, part of TCG's time"),
    ("job", "to_tcg", "worst", 1.0, "whole jobs, worst, part of TCG's time"),
    ("boot", "to_tcg", "mean", 0.5, "boot to init, part of TCG's time"),
)


def targets_of(rows, peer):
    found = []
    for group, key, what, limit, words in TARGETS:
        mine = [row for row in rows if row["group"] == group and row[key].get(peer) is not None]
        values = [row[key][peer] for row in mine]
        if not values:
            continue
        value = geometric_mean(values) if what == "mean" else max(values)
        where = max(mine, key=lambda row: row[key][peer])["name"] if what == "worst" else ""
        failed = any(peer in row["failed"] for row in rows if row["group"] == group)
        found.append({"words": words, "limit": limit, "value": value, "where": where,
                      "met": value <= limit and not failed})
    return found


def self_test():
    assert median([3, 1, 2]) == 2 and median([4, 1, 2, 3]) == 2.5
    assert abs(geometric_mean([1, 4]) - 2) < 1e-12 and geometric_mean([]) is None
    run = lambda n, s, c="a": {"iterations": n, "seconds": s, "sum": c}
    entry = lambda *runs: {"status": 0, "check": runs[0], "runs": list(runs)}
    results = {
        NATIVE: {"k": entry(run(10, 1.0), run(10, 3.0), run(10, 2.0))},
        DOPPEL: {"k": entry(run(10, 4.0))},
        TCG: {"k": entry(run(1, 0.8, "b"))},
    }
    items = [{"name": "k", "group": "int", "unit": "s"}, {"name": "m", "group": "int", "unit": "s"}]
    peers = [NATIVE, DOPPEL, TCG]
    rows = rows_of(items, results, peers)
    assert abs(rows[0]["to_native"][DOPPEL] - 2) < 1e-12   # 0.4 to 0.2 seconds an iteration
    assert abs(rows[0]["to_tcg"][DOPPEL] - 0.5) < 1e-12    # rates, not times, are compared
    assert wrong_sums(results, "k", [NATIVE]) == [DOPPEL, TCG]
    assert rows[0]["wrong"] == [TCG] and rows[0]["failed"] == []
    assert rows[1]["to_native"][DOPPEL] is None and rows[1]["failed"] == []
    assert abs(means_of(rows, peers)[0]["to_native"][TCG] - 4) < 1e-12
    assert [t["met"] for t in targets_of(rows, DOPPEL)] == [True, True]
    results[DOPPEL]["m"] = {"status": 11, "check": None, "runs": []}
    rows = rows_of(items, results, peers)
    assert rows[1]["failed"] == [DOPPEL]
    assert [t["met"] for t in targets_of(rows, DOPPEL)] == [False, False]
    assert abs(rows[0]["spread"][NATIVE] - 3) < 1e-12
