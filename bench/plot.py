"""One SVG, written by hand: a bar for each ratio, its spread as a line over it, its mark as a tick."""
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, ROW, TOP = 900, 380, 90, 24, 60


def svg(title, rows):
    """rows: (label, median, lowest, highest, mark or None)."""
    top_value = max([1.0] + [row[3] for row in rows] + [row[4] or 0 for row in rows]) * 1.05
    height = TOP + ROW * len(rows) + 40

    def x(value):
        return LEFT + (WIDTH - LEFT - RIGHT) * value / top_value

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
             f'<text x="20" y="26" font-size="16">{escape(title)}</text>',
             f'<text x="20" y="44" fill="#555">medians of the ratios round by round; the line spans all rounds; the red tick is what is to be reached</text>']
    tick = 0.0
    while tick <= top_value:
        parts.append(f'<line x1="{x(tick):.1f}" y1="{TOP}" x2="{x(tick):.1f}" y2="{height - 30}" stroke="#ddd"/>'
                     f'<text x="{x(tick):.1f}" y="{height - 12}" text-anchor="middle" fill="#555">{tick:.2g}</text>')
        tick += 0.25 if top_value < 3 else 1.0
    for number, (label, median, low, high, mark) in enumerate(rows):
        y = TOP + ROW * number
        colour = "#4a7ebb" if mark is None or median >= mark else "#d08a2e"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(label)}</text>'
                     f'<rect x="{LEFT}" y="{y + 4}" width="{x(median) - LEFT:.1f}" height="{ROW - 8}" fill="{colour}"/>'
                     f'<line x1="{x(low):.1f}" y1="{y + ROW / 2}" x2="{x(high):.1f}" y2="{y + ROW / 2}" stroke="#222"/>'
                     f'<text x="{WIDTH - RIGHT + 10}" y="{y + 16}">{median:.2f}</text>')
        if mark is not None:
            parts.append(f'<line x1="{x(mark):.1f}" y1="{y + 1}" x2="{x(mark):.1f}" y2="{y + ROW - 1}" stroke="#c22" stroke-width="2"/>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"
