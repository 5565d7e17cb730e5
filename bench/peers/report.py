"""The table for people."""
import statistic

COLUMNS = (("delivered/s", 11), ("lost %", 8), ("misdel.", 7), ("CPU µs", 8), ("spread", 14), ("system", 7),
           ("p50 µs", 9), ("p99 µs", 9), ("p99.9 µs", 9), ("KiB/session", 14))


def _number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _memory(figures):
    if "pss_kib_session" not in figures:
        return "-"
    return f"{figures['pss_kib_session'][1]:.2f} + {figures['slab_kib_session'][1]:.2f}"


def _cells(peer, figures, kernel):
    """One peer's cells; figures that it cannot have are a dash."""
    replies = figures["p50_us"][1] > 0
    cpu = [_number(figures["cpu_us"][0]), "{}-{}".format(*(_number(figures["cpu_us"][place]) for place in (0, 2)))]
    if not figures["processes"][1]:
        cpu = [f"~{_number(kernel[peer])}" if peer in kernel else "-", "-"]
    return [_number(figures["rate"][1]), f"{100 * figures['lost'] / max(figures['sent'], 1):.3f}",
            str(figures["misdelivered"]), *cpu, _number(figures["system_us"][0]),
            *(_number(figures[name][1]) if replies else "-" for name in ("p50_us", "p99_us", "p999_us")), _memory(figures)]


def text(workload, summaries, reasons):
    """The table of one workload: a line for each peer."""
    kernel = statistic.kernel_cost(summaries, workload.is_flood)
    lines = [f"{workload.name}: {workload.title}; CPU for each {workload.unit}",
             f"  {'':8}" + "".join(f"{name:>{width}}" for name, width in COLUMNS)]
    for peer, figures in summaries.items():
        cells = zip(_cells(peer, figures, kernel), COLUMNS)
        lines.append(f"  {peer:8}" + "".join(f"{cell:>{width}}" for cell, (_, width) in cells))
    lines += [f"  {peer:8} not measured: {reason}" for peer, reason in reasons.items()]
    for peer, figures in summaries.items():
        lines += [f"  {peer:8} {note}" for note in _notes(figures)]
    return "\n".join(lines)


def _notes(figures):
    if figures["overrun"]:
        yield f"the generator was too slow for {figures['overrun']} replies, which count as lost"
    if figures.get("idle_lost"):
        yield f"{figures['idle_lost']} of the idle sessions were not opened (all rounds)"
    if figures.get("newcomers_lost"):
        yield f"{figures['newcomers_lost']:,} of {figures['newcomers_sent']:,} new clients had no reply (all rounds)"
