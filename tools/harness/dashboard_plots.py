#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""dashboard_plots.py FILE  draws what the dashboard shows of a pair under load, as a PNG.

Each curve is the answer of a real Prometheus to an expression of the dashboard. MTE_BUILD names the
folder of the programs.
"""

import pathlib
import re
import sys
import tempfile

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # pylint: disable=wrong-import-position

from dashboards import of_prometheus  # pylint: disable=wrong-import-position
from watched_pair import asked, watched_pair  # pylint: disable=wrong-import-position

SECONDS = 60


def label(legend, labels):
    return re.sub(r"\{\{(\w+)\}\}", lambda name: labels.get(name[1], ""), legend)


def draw(prometheus, began, path):
    shown = [panel for panel in of_prometheus()["panels"] if panel["type"] == "timeseries"]
    _, grid = pyplot.subplots(len(shown) // 2, 2, figsize=(13, 2.6 * len(shown) / 2),
                              layout="constrained", sharex=True)
    for axes, panel in zip(grid.flat, shown):
        for target in panel["targets"]:
            for labels, points in prometheus.curves(asked(target["expr"]), began):
                axes.plot(*zip(*points), label=label(target["legendFormat"], labels))
        axes.set_title(panel["title"], fontsize="medium")
        axes.set_ylim(0, 1.4 * axes.get_ylim()[1])  # the legend lies on no curve
        axes.grid(alpha=0.3)
        axes.legend(fontsize="x-small", loc="upper left", ncols=2, framealpha=0.6)
    for axes in grid[-1]:
        axes.set_xlabel("seconds")
    pyplot.savefig(path, dpi=80)


def main():
    with tempfile.TemporaryDirectory() as folder, \
            watched_pair(pathlib.Path(folder), SECONDS) as (prometheus, began):
        draw(prometheus, began, sys.argv[1])


if __name__ == "__main__":
    main()
