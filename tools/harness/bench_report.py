# SPDX-License-Identifier: MIT
"""The results as markdown."""

from bench_contestants import DIRECT, HAPROXY_H2, NGINX_PAIR

MIB = 1 << 20


def table(head, rows):
    """Rows of text; the first column to the left, the others to the right."""
    yield "| " + " | ".join(head) + " |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def number(value, digits=None):
    """Three digits that count, unless digits behind the point are asked for."""
    if value is None or value != value:
        return "–"
    if digits is None:
        digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def head_of(results):
    machine, plan = results["machine"], results["plan"]
    yield (f"{machine['date']}; {machine['cpu']}, {machine['cores']} cores,"
           f" {machine['memory_mib']} MiB; {machine['system']}, Linux {machine['kernel']}.")
    yield "; ".join(machine["versions"].values()) + "."
    yield ""
    others = [result["others_cpu"] for result in results["cells"] + results["ladder"]]
    yield (f"Medians of {plan['rounds']} alternating rounds of about {plan['seconds']} s each;"
           f" {results['seconds']} s in all. Programs that have nothing to do with it used"
           f" {100 * min(others):.0f} to {100 * max(others):.0f} % of the machine meanwhile.")
    yield ""


def cpu_table(cells):
    names = [name for name in cells[0]["median"] if name != DIRECT]
    head = ["body, at once", *names, "ours ÷ nginx mTLS", "ours ÷ haproxy h2"]
    rows = []
    for cell in cells:
        ratios = cell["cpu_ratio_of_ours"]
        rows.append([f"{cell['size']}, {cell['concurrency']}",
                     *(number(cell["median"][name]["cpu_us"]) for name in names),
                     number(ratios[NGINX_PAIR], 2), number(ratios[HAPROXY_H2], 2)])
    yield "### CPU microseconds per request, all processes of a contestant together"
    yield ""
    yield from table(head, rows)


def row_of(name, figures, cell):
    memory = figures["pss"] if figures["pss"] is not None else figures["rss"]
    row = [name, number(figures["rps"]), number(figures["p50_ms"]), number(figures["p99_ms"]),
           number(figures["cpu_us"]), number(memory / MIB if name != DIRECT else None),
           number(figures["rps"] / cell["median"][DIRECT]["rps"], 2)]
    if figures["failed"]:
        row[0] += f" ({figures['failed']} of {figures['requests']} FAILED)"
    return row


def cell_table(cell):
    head = ["", "requests/s", "p50 ms", "p99 ms", "CPU µs", "memory MiB", "÷ direct"]
    yield f"### {cell['size']} up and {cell['size']} down, {cell['concurrency']} at once"
    yield ""
    yield from table(head, (row_of(name, figures, cell)
                            for name, figures in cell["median"].items()))


def ladder_table(ladder):
    names = list(ladder[0]["through"])
    head = ["at once", "direct requests/s"]
    for name in names:
        head += [f"{name}: relay %", "added median ms"]
    rows = []
    for step in ladder:
        row = [str(step["concurrency"]), number(step["median"][DIRECT]["rps"], 1)]
        for name in names:
            through, failed = step["through"][name], step["median"][name]["failed"]
            row += [number(through["relay_percent"], 2) + (f" ({failed} FAILED)" if failed else ""),
                    number(through["added_ms"], 2)]
        rows.append(row)
    yield "### The ladder: 1 KB, an API that answers each request a second after it came"
    yield ""
    yield from table(head, rows)


def markdown(results):
    lines = [*head_of(results), *cpu_table(results["cells"])]
    for cell in results["cells"]:
        lines += cell_table(cell)
    if results["ladder"]:
        lines += ladder_table(results["ladder"])
    return "\n".join(lines).rstrip()
