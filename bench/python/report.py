"""From the figures of all rounds to a page: every program, every ratio, every mark."""
import statistics

import matrix


def median(figures, run, name="per_second"):
    return statistics.median(one[name] for one in figures[run])


def ratios(figures, mine, other):
    """Pair by pair, within a round."""
    return [a["per_second"] / b["per_second"] for a, b in zip(figures[mine], figures[other])]


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} .. {max(values):.2f})"


def words(client):
    return matrix.WORDS.get(client, client)


def operation_words(operation, server=""):
    words_of_it = "get_many of 100" if operation == "get_many" else operation
    return f"{words_of_it}, {server}" if server else words_of_it


def program_lines(figures):
    lines = ["| operation | tasks | loop | client | calls/s | lowest .. highest | CPU µs a call, user + kernel | ours is × |", "|---|---:|---|---|---:|---|---:|---|"]
    for run, rounds in figures.items():
        rates = [one["per_second"] for one in rounds]
        times = "; ".join(f"{loop} {spread(ratios(figures, mine, run))}" for loop, mine in counterparts(figures, run))
        cpu = f"{median(figures, run, 'user_ns') / 1000:.2f} + {median(figures, run, 'system_ns') / 1000:.2f}"
        lines.append(f"| {operation_words(run.operation, run.server)} | {run.tasks} | {run.loop} | {words(run.client)} | {statistics.median(rates):,.0f} | "
                     f"{min(rates):,.0f} .. {max(rates):,.0f} | {cpu} | {times} |")
    return lines


def counterparts(figures, run, client="ours"):
    """What of ours a program is compared with: on its own loop, or on both when it has none."""
    if run.client == client:
        return []
    loops = [run.loop] if run.loop in matrix.LOOPS else matrix.LOOPS
    found = [(loop, run._replace(client=client, loop=loop)) for loop in loops]
    return [(loop, mine) for loop, mine in found if mine in figures]


def mark_lines(figures):
    """(the table, the bars of the plot): each mark with what was reached."""
    lines = ["| mark | ratio (lowest .. highest) | to reach | |", "|---|---|---|---|"]
    for mark in matrix.MARKS:
        mine = matrix.Run(mark.client, mark.loop, mark.operation, mark.tasks, mark.server)
        other, limit = mine._replace(client=mark.peer), mine._replace(client=matrix.LIMIT, loop="wire")
        if mine not in figures or other not in figures:
            continue
        values = ratios(figures, mine, other)
        reached, wanted = statistics.median(values) >= mark.least, f"{mark.least:g} ×"
        if mark.part is not None and limit in figures:
            of_limit = statistics.median(ratios(figures, mine, limit))
            reached = reached or of_limit >= mark.part
            wanted += f", or {mark.part:g} of the limit if that is lower (it is at {of_limit:.2f})"
        lines.append(f"| {mark.what} | {spread(values)} | {wanted} | {verdict(reached)} |")
    return lines + cpu_mark_lines(figures) + slower_lines(figures) + slower_lines(figures, "ours-busy-poll", ", busy polling,")


def verdict(reached):
    return "reached" if reached else "**below**"


def cpu(one):
    return one["user_ns"] + one["system_ns"]


def cpu_mark_lines(figures):
    lines = []
    for loop, tasks in matrix.CPU_MARKS:
        mine, other = matrix.Run("ours", loop, "get", tasks), matrix.Run("emcache-best", loop, "get", tasks)
        if mine in figures and other in figures:
            parts = [cpu(a) / cpu(b) for a, b in zip(figures[mine], figures[other])]
            lines.append(f"| CPU of a get, {loop}, {tasks} tasks / its best setting | {statistics.median(parts):.3f} ({min(parts):.3f} .. {max(parts):.3f}) | "
                         f"≤ {matrix.CPU_PART:g} | {verdict(statistics.median(parts) <= matrix.CPU_PART)} |")
    mine = matrix.Run("ours", "uvloop", "get", 256)
    if mine in figures:
        own = median(figures, mine, "user_ns")
        lines.append(f"| user CPU of a get at 256 tasks, uvloop, the loop and the tasks included | {own:,.0f} ns | ≤ {matrix.OWN_USER_NS:,} ns | "
                     f"{verdict(own <= matrix.OWN_USER_NS)} |")
    return lines


def slower_lines(figures, client="ours", way=""):
    """Where a peer is ahead of ours: there should be no such place."""
    slower, compared = [], 0
    for run in figures:
        if run.client in [*matrix.OURS, matrix.LIMIT]:
            continue
        for loop, mine in counterparts(figures, run, client):
            compared += 1
            middle = statistics.median(ratios(figures, mine, run))
            if middle < 1:
                slower.append(f"{operation_words(run.operation, run.server)}, {run.tasks} tasks, ours on {loop} against {words(run.client)}: {middle:.2f}")
    if not compared:
        return []
    return [f"| configurations in which ours{way} is slower than a peer, of {compared} | {len(slower)}{': ' if slower else ''}{'; '.join(slower)} | 0 | {verdict(not slower)} |"]


def page(figures, surroundings, missing):
    lines = ["# Benchmark of the Python package", "", surroundings, ""]
    lines += [f"Left out: {one}" for one in missing]
    lines += ["", "## Marks", "", *mark_lines(figures), "", "## Every program", "", *program_lines(figures), ""]
    return "\n".join(lines)
