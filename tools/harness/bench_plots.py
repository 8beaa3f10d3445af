# SPDX-License-Identifier: MIT
"""The results as PNG files: CPU time, latency, the ladder."""

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # pylint: disable=wrong-import-position

from bench_contestants import DIRECT  # pylint: disable=wrong-import-position


def bars(cells, figure, title, path):
    """A group of bars for each cell, one for each contestant that has the figure."""
    names = [name for name, x in cells[0]["median"].items() if x[figure] is not None]
    width = 0.8 / len(names)
    _, axes = pyplot.subplots(figsize=(max(7, 1.2 * len(cells)), 4.5), layout="constrained")
    for i, name in enumerate(names):
        axes.bar([at + i * width for at in range(len(cells))],
                 [cell["median"][name][figure] for cell in cells], width, label=name)
    axes.set_xticks([at + 0.4 - width / 2 for at in range(len(cells))],
                    [f"{cell['size']}\n{cell['concurrency']}" for cell in cells])
    axes.set_yscale("log")
    axes.set_title(title)
    axes.set_xlabel("body, requests at once")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize="small")
    pyplot.savefig(path, dpi=120)
    pyplot.close()


def ladder(steps, path):
    _, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name in steps[0]["median"]:
        if name == DIRECT:
            continue
        at = [step["concurrency"] for step in steps]
        left.plot(at, [step["through"][name]["relay_percent"] for step in steps], "o-", label=name)
        right.plot(at, [step["through"][name]["added_ms"] for step in steps], "o-", label=name)
    left.set_title("relay %: requests/s through ÷ direct")
    right.set_title("added to the median, ms")
    for axes in (left, right):
        axes.set_xlabel("requests at once")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    pyplot.savefig(path, dpi=120)
    pyplot.close()


def draw(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    bars(results["cells"], "cpu_us", "CPU µs per request (log)", folder / "cpu.png")
    bars(results["cells"], "p50_ms", "median latency, ms (log)", folder / "latency.png")
    bars(results["cells"], "rps", "requests/s (log)", folder / "requests.png")
    if results["ladder"]:
        ladder(results["ladder"], folder / "ladder.png")
