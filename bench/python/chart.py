"""One SVG, written by hand: for each operation, loop and number of tasks a line with a dot for every client, on a logarithmic scale."""
import math
import statistics
from xml.sax.saxutils import escape

import matrix
import report

COLOURS = {"ours": "#c0392b", "ours-busy-poll": "#e8927c", "emcache": "#9ecae1", "emcache-best": "#3182bd", "emcache-autobatching": "#08519c", "aiomcache": "#74a55a",
           "pymemcache": "#b8860b", "pylibmc": "#7b5ea7", matrix.LIMIT: "#222222"}
WIDTH, LEFT, RIGHT, ROW, TOP = 960, 230, 30, 22, 102


def rows_of(figures):
    """[(label, {client: median calls/s})]: clients without a loop stand in the rows of both loops."""
    rows = []
    for operation, counts in matrix.TASKS.items():
        for loop in matrix.LOOPS:
            for tasks in counts:
                found = {run.client: statistics.median(one["per_second"] for one in rounds) for run, rounds in figures.items()
                         if (run.operation, run.tasks, run.server) == (operation, tasks, "") and run.loop in (loop, "threads", "wire")}
                if found:
                    rows.append((f"{report.operation_words(operation)}, {loop}, {tasks} task{'s' if tasks > 1 else ''}", found))
    return rows


def svg(figures):
    rows = rows_of(figures)
    rates = [rate for _, found in rows for rate in found.values()]
    low, high = math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)))
    height = TOP + ROW * len(rows) + 40

    def x(rate):
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(rate) - low) / max(high - low, 1)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>', '<text x="20" y="24" font-size="16">Calls a second, medians of the rounds</text>']
    for number, (client, colour) in enumerate(COLOURS.items()):
        at_x, at_y = 20 + number % 4 * 235, 44 + number // 4 * 18
        parts.append(f'<circle cx="{at_x}" cy="{at_y - 4}" r="5" fill="{colour}"/><text x="{at_x + 10}" y="{at_y}">{escape(report.words(client))}</text>')
    for power in range(low, high + 1):
        parts.append(f'<line x1="{x(10**power):.1f}" y1="{TOP - 8}" x2="{x(10**power):.1f}" y2="{height - 30}" stroke="#ddd"/>'
                     f'<text x="{x(10**power):.1f}" y="{height - 12}" text-anchor="middle" fill="#555">{10**power:,}</text>')
    for number, (label, found) in enumerate(rows):
        y = TOP + ROW * number + ROW / 2
        parts.append(f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(label)}</text>'
                     f'<line x1="{x(min(found.values())):.1f}" y1="{y}" x2="{x(max(found.values())):.1f}" y2="{y}" stroke="#bbb"/>')
        parts += [f'<circle cx="{x(rate):.1f}" cy="{y}" r="5" fill="{COLOURS[client]}"/>' for client, rate in sorted(found.items(), key=lambda one: one[0] == "ours")]
    return "\n".join([*parts, "</svg>"]) + "\n"
