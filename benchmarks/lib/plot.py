# SPDX-License-Identifier: GPL-2.0-or-later
"""The plot: a row an item, a dot a peer, on a logarithmic axis of times of native's time."""
import math
from xml.sax.saxutils import escape

from . import report, stats

ROW, LEFT, WIDTH, RIGHT, TOP, GAP = 22, 150, 640, 90, 134, 34
INK, SOFT, LINE, BAND = "#1f2430", "#6b7280", "#e3e6ea", "#f6f7f9"
COLOURS = {stats.NATIVE: "#9aa1ac", stats.TCG: "#d9822b"}
OURS = ("#1668b8", "#4aa3a2", "#7d5ab5", "#a83e6b")
TICKS = tuple(m * 10**e for e in range(-4, 7) for m in (1, 2, 5))


def number(value):
    return f"{value:g}"


class Svg:
    def __init__(self):
        self.parts = []

    def text(self, x, y, words, size=12, colour=INK, anchor="start", weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" '
                          f'text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>')

    def line(self, x1, y1, x2, y2, colour, width=1.0):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{colour}" stroke-width="{width}"/>')

    def dot(self, x, y, colour, words, big=False):
        size = 6 if big else 4.5
        shape = (f'<path d="M{x:.1f} {y - size:.1f}l{size} {size}l-{size} {size}l-{size} -{size}z"'
                 if big else f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}"')
        self.parts.append(f'{shape} fill="{colour}" stroke="#fff" stroke-width="1">'
                          f"<title>{escape(words)}</title></{'path' if big else 'circle'}>")

    def band(self, y, height, width):
        self.parts.append(f'<rect x="0" y="{y:.1f}" width="{width}" height="{height}" fill="{BAND}"/>')

    def page(self, width, height):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" '
                f'width="{width}" height="{height:.0f}" '
                f'font-family="system-ui, Helvetica, Arial, sans-serif">\n'
                f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(self.parts)
                + "\n</svg>\n")


def base_of(rows):
    """What a group is drawn relative to: native, or TCG where some row has no native."""
    return stats.NATIVE if all(r["cost"].get(stats.NATIVE) for r in rows) else stats.TCG


def lines_of(rows, peers):
    """[(label, {peer: value}, kind)]: headings, items and means in drawing order."""
    lines = []
    for group in dict.fromkeys(row["group"] for row in rows):
        mine = [r for r in rows if r["group"] == group and any(r["cost"].values())]
        base = base_of(mine)
        drawn = []
        for row in mine:
            unit = row["cost"].get(base)
            values = {p: row["cost"][p] / unit for p in peers if unit and row["cost"].get(p)
                      and (base == stats.NATIVE or p != stats.NATIVE)}
            drawn.append((row["name"], values, "item"))
        if not drawn:
            continue
        words = report.TITLES.get(group, group) + ("" if base == stats.NATIVE else ", TCG = 1")
        lines.append((words, {}, "heading"))
        lines += drawn
        if len(drawn) > 1:
            means = {p: stats.geometric_mean([d[1][p] for d in drawn if p in d[1]]) for p in peers}
            lines.append(("geometric mean", {p: v for p, v in means.items() if v}, "mean"))
    return lines


def ticks_choose(x_of, low, high):
    """1 and what has room beside it: fives and twos go before tens."""
    chosen = []
    for ticks in ([1], [t for t in TICKS if str(t).strip("0.")[0] == "1"], TICKS):
        for tick in ticks:
            if low <= tick <= high and all(abs(x_of(tick) - x_of(t)) >= GAP for t in chosen):
                chosen.append(tick)
    return sorted(chosen)


def draw(rows, peers, head):
    lines = lines_of(rows, peers)
    values = [v for line in lines for v in line[1].values()] or [1]
    low, high = min(0.9, *values) / 1.1, max(2, *values) * 1.15
    x_of = lambda v: LEFT + WIDTH * math.log(v / low) / math.log(high / low)
    bottom = TOP + ROW * len(lines) + 8
    width = LEFT + WIDTH + RIGHT
    colours = dict(COLOURS)
    colours.update(zip([p for p in peers if p not in COLOURS], OURS))
    svg = Svg()

    svg.text(20, 34, "Time for the same work, as a multiple of native", 19, weight="600")
    for i, words in enumerate(head[:3]):
        svg.text(20, 54 + 16 * i, words, 11, SOFT)
    x = 20
    for peer in peers:
        svg.dot(x + 5, 104, colours[peer], peer)
        svg.text(x + 15, 108, "qemu -accel tcg" if peer == stats.TCG else peer, 12)
        x += 40 + 7 * len("qemu -accel tcg" if peer == stats.TCG else peer)
    for at, (_, _, kind) in enumerate(lines):
        if kind == "mean":
            svg.band(TOP + at * ROW, ROW, width)
    for tick in ticks_choose(x_of, low, high):
        svg.line(x_of(tick), TOP - 4, x_of(tick), bottom, INK if tick == 1 else LINE)
        svg.text(x_of(tick), TOP - 9, number(tick) + "×", 11, SOFT, "middle")
        svg.text(x_of(tick), bottom + 14, number(tick) + "×", 11, SOFT, "middle")
    for at, line in enumerate(lines):
        draw_line(svg, TOP + at * ROW + ROW / 2, line, peers, x_of, colours)
    return svg.page(width, bottom + 28)


def draw_line(svg, y, line, peers, x_of, colours):
    words, values, kind = line
    if kind == "heading":
        svg.text(20, y + 5, words, 13, weight="600")
        return
    svg.text(LEFT - 14, y + 4, words, 12, INK, "end", "600" if kind == "mean" else "normal")
    if values:
        svg.line(x_of(min(values.values())), y, x_of(max(values.values())), y, "#c9ced6", 2)
    for peer in peers:
        if peer in values:
            svg.dot(x_of(values[peer]), y, colours[peer], f"{peer}: {values[peer]:.2f}×", kind == "mean")
    ours = [p for p in peers if p not in COLOURS and p in values]
    others = ours or [p for p in peers if p in values]
    if others:
        weight = "600" if kind == "mean" else "normal"
        svg.text(LEFT + WIDTH + 12, y + 4, " / ".join(f"{values[p]:.2f}" for p in others), 11,
                 colours[others[0]], weight=weight)


def self_test():
    row = {"name": "a<b", "group": "int", "cost": {stats.NATIVE: 1.0, "doppel": 1.5, stats.TCG: 6.0}}
    page = draw([row, dict(row, name="c")], [stats.NATIVE, "doppel", stats.TCG], ["one", "two"])
    assert page.startswith("<svg") and "a&lt;b" in page and "geometric mean" in page
    assert "1.50" in page
