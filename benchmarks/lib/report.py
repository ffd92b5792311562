# SPDX-License-Identifier: GPL-2.0-or-later
"""The table on standard output, and the description of the machine."""
import datetime
import os
import platform
import subprocess

from . import stats

TITLES = {"int": "integer compute", "float": "float, SIMD, x87", "system": "system", "job": "whole jobs",
          "boot": "boot to init", "micro": "kernel mode, cycles"}


def first_line(command):
    try:
        out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return out.stdout.splitlines()[0] if out.stdout else ""
    except OSError:
        return ""


def machine(doppel):
    cpu = ""
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return {
        "cpu": cpu,
        "cpus": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "host_kernel": platform.release(),
        "hardware_virtualization": os.path.exists("/dev/kvm"),
        "qemu": first_line(["qemu-system-x86_64", "--version"]),
        "doppel": first_line([doppel, "-version"]) if doppel else "",
        "commit": first_line(["git", "-C", root, "describe", "--always", "--dirty"]),
        "gcc": first_line(["gcc", "--version"]),
        "load_at_start": os.getloadavg()[0],
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def time_text(seconds):
    if seconds is None:
        return "-"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us"), (1e9, "ns")):
        if seconds * factor >= 1 or unit == "ns":
            return f"{seconds * factor:.3g} {unit}"


def cost_text(row, peer):
    value = row["cost"].get(peer)
    if value is not None and row["unit"] == "cycles":
        return f"{value:.0f}"
    return time_text(value)


def times(value):
    if value is None:
        return "-"
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def cell(row, peer):
    if peer in row["failed"]:
        return "failed"
    mark = "!" if peer in row["wrong"] else ""
    return cost_text(row, peer) + mark


def table(rows, peers):
    """Costs of every peer, then the others as multiples of native, then doppel as a part of TCG."""
    others = [p for p in peers if p != stats.NATIVE]
    ours = [p for p in others if p != stats.TCG]
    to_native = others if stats.NATIVE in peers else []
    to_tcg = ours if stats.TCG in peers else []
    head = ["", *peers, *[f"{p}/native" for p in to_native], *[f"{p}/tcg" for p in to_tcg]]
    out = []
    for mean in stats.means_of(rows, peers):
        out.append([TITLES.get(mean["group"], mean["group"])])
        for row in rows:
            if row["group"] == mean["group"]:
                out.append(["  " + row["name"], *[cell(row, p) for p in peers],
                            *[times(row["to_native"][p]) for p in to_native],
                            *[times(row["to_tcg"][p]) for p in to_tcg]])
        if mean["count"] > 1 and others:
            out.append(["  geometric mean", *["" for _ in peers],
                        *[times(mean["to_native"][p]) for p in to_native],
                        *[times(mean["to_tcg"][p]) for p in to_tcg]])
    widths = [max(len(r[c]) for r in [head, *out] if len(r) > c and len(r) > 1)
              for c in range(len(head))]
    lines = []
    for cells in [head, *out]:
        first = cells[0].ljust(widths[0])
        lines.append("  ".join([first, *[c.rjust(w) for c, w in zip(cells[1:], widths[1:])]]).rstrip())
        if cells is head:
            lines.append("-" * len(lines[0]))
    if any(row["wrong"] for row in rows):
        lines.append("! the checksum is not native's")
    return "\n".join(lines)


def targets_text(rows, peers):
    lines = []
    for peer in peers:
        if peer in (stats.NATIVE, stats.TCG):
            continue
        for t in stats.targets_of(rows, peer):
            where = f" ({t['where']})" if t["where"] else ""
            lines.append(f"{'reached' if t['met'] else 'MISSED ':7}  {peer}: {t['words']}: "
                         f"{t['value']:.2f}{where}, to be {t['limit']} at most")
    return "\n".join(lines)
