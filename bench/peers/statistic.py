"""Rounds of figures, summed up."""
import statistics

# Added over the rounds; of the others the quartiles are given.
SUMS = ("misdelivered", "lost", "sent", "delivered", "overrun", "idle_lost", "newcomers_lost", "newcomers_sent")


def quartiles(values):
    """Lower quartile, median and upper quartile."""
    if len(values) == 1:
        return [values[0]] * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def summary(rounds):
    """{figure: sum, or [lower quartile, median, upper quartile]} of a list of {figure: number}."""
    names = [name for name in rounds[0] if all(name in figures for figures in rounds)]
    return {name: sum(figures[name] for figures in rounds) if name in SUMS
            else [round(value, 4) for value in quartiles([figures[name] for figures in rounds])] for name in names}


def kernel_cost(summaries, is_flood):
    """{peer: µs} for peers without a process: the whole system's time above that without a proxy. Only a flood, in which
    the generator never sleeps, gives a difference above the noise."""
    if not is_flood or not {"direct", "dnat"} <= set(summaries):
        return {}
    cost = summaries["dnat"]["system_us"][0] - summaries["direct"]["system_us"][0]
    return {"dnat": max(cost, 0)}
