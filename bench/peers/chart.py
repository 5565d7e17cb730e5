"""The figures as one SVG: a panel for each workload, a bar for each peer's processor time."""
from xml.sax.saxutils import escape

import statistic

WIDTH, PANEL_WIDTH, COLUMNS = 1000, 480, 2
TITLE, ROW, GAP = 38, 18, 20
LABEL, VALUE = 70, 130  # room left and right of the bars
INK, FAINT, BAR, OURS = "#222222", "#777777", "#b8c0cc", "#1f6fb2"


def _text(x, y, text, size=12, colour=INK, anchor="start", weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{escape(text)}</text>')


def _loss(workload, figures):
    """A remark about a peer that lost much; in a flood every peer does."""
    percent = 100 * figures["lost"] / max(figures["sent"], 1)
    return f", {percent:.0f} % lost" if percent >= 1 and not workload["is_flood"] else ""


def _values(workload):
    """[(peer, lower quartile, upper quartile, remark)] of the processor time."""
    kernel = statistic.kernel_cost(workload["peers"], workload["is_flood"])
    for peer, figures in workload["peers"].items():
        if peer in kernel:
            yield peer, kernel[peer], kernel[peer], ""
        elif figures["processes"][1]:
            yield peer, figures["cpu_us"][0], figures["cpu_us"][2], _loss(workload, figures)


def _row(x, y, longest, value):
    """A bar with its value; the thin line reaches to the upper quartile."""
    peer, low, high, remark = value
    scale = (PANEL_WIDTH - LABEL - VALUE) / max(longest, 1e-9)
    middle = y + ROW / 2
    return [_text(x + LABEL - 6, middle + 4, peer, anchor="end"),
            f'<rect x="{x + LABEL}" y="{y + 2}" width="{low * scale:.1f}" height="{ROW - 5}" '
            f'fill="{OURS if peer == "proxyd" else BAR}"/>',
            f'<line x1="{x + LABEL + low * scale:.1f}" x2="{x + LABEL + high * scale:.1f}" y1="{middle - 0.5:.1f}" '
            f'y2="{middle - 0.5:.1f}" stroke="{FAINT}"/>',
            _text(x + LABEL + high * scale + 6, middle + 4, f"{low:.2f}{remark}")]


def _panel(x, y, workload):
    parts = [_text(x, y + 14, workload["title"], 13, weight="bold"),
             _text(x, y + 30, f"µs for each {workload['unit']}", 11, FAINT)]
    values = list(_values(workload))
    longest = max((high for _, _, high, _ in values), default=1)
    for number, value in enumerate(values):
        parts += _row(x, y + TITLE + number * ROW, longest, value)
    return parts


def _height(workload):
    return TITLE + ROW * len(list(_values(workload))) + GAP


def svg(report):
    """The whole picture of what --json writes."""
    parts, y = [_text(10, 24, "Processor time of UDP proxies", 18, weight="bold"),
                _text(10, 42, f"lower quartiles of {report['rounds']} rounds, lines to the upper quartiles; {report['machine']}, "
                              f"{report['date']}", 12, FAINT)], 60
    workloads = [workload for workload in report["workloads"].values() if list(_values(workload))]
    for first in range(0, len(workloads), COLUMNS):
        row = workloads[first:first + COLUMNS]
        for number, workload in enumerate(row):
            parts += _panel(10 + number * (PANEL_WIDTH + 20), y, workload)
        y += max(map(_height, row))
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" '
            f'font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>')
    return "\n".join([head, *parts, "</svg>", ""])
