#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What tools/bench runs: see there, and docs/performance.md for the method."""

import argparse
import dataclasses
import json
import pathlib
import signal
import sys
import time

from bench_contestants import BUILDERS, DIRECT, NGINX_PAIR, OURS, Field
from bench_load import Load, check_answers, median_of, median_ratio, run_rounds
from bench_machine import describe
from bench_programs import Machine
from bench_redis import redis_markdown, run_redis
from bench_report import markdown
from bench_scrape import run_scrape, scrape_markdown

LADDER = (400, 500, 550, 600, 650)
LADDER_NAMES = (DIRECT, NGINX_PAIR, OURS)
PACE = (1000, 1000)  # of the ladder's API: ms until an answer, µs between two
SIZES = {"1K": 1024, "10K": 10240, "64K": 65536, "1M": 1048576}


@dataclasses.dataclass
class Plan:
    cells: tuple  # (size, concurrency)
    rounds: int
    seconds: float  # of a run
    ladder: tuple
    ladder_rounds: int
    ladder_requests: int  # of each connection


FULL = Plan(tuple((size, n) for size in SIZES for n in (1, 64, 500)), 5, 1.0, LADDER, 3, 4)
REDIS_CELLS = (("1K", 1), ("1K", 64), ("1K", 500))
QUICK = Plan((("1K", 1), ("1K", 64), ("64K", 64)), 5, 0.5, (400, 650), 1, 3)


def tell(text):
    print(text, file=sys.stderr, flush=True)


def result_of(runs, machine, field):
    return {"others_cpu": machine.others(field.sessions),
            "median": {name: median_of(x) for name, x in runs.items()},
            "rounds": {name: [dataclasses.asdict(run) for run in x] for name, x in runs.items()}}


def run_cells(folder, plan):
    results = []
    with Field(folder / "cells", tuple(BUILDERS)) as field:
        for size, concurrency in plan.cells:
            tell(f"{size} up and down, {concurrency} at once")
            load = Load(folder, SIZES[size], concurrency)
            check_answers(field.contestants, load)
            n = {x.name: load.calibrate(x, plan.seconds) for x in field.contestants}
            machine = Machine(field.sessions)
            runs = run_rounds(field, load, plan.rounds, n)
            ratios = {name: median_ratio(runs[OURS], runs[name], "cpu_us")
                      for name in BUILDERS if name != DIRECT}
            results.append({"size": size, "concurrency": concurrency, "cpu_ratio_of_ours": ratios}
                           | result_of(runs, machine, field))
    return results


def run_ladder(folder, plan):
    results = []
    with Field(folder / "ladder", LADDER_NAMES, PACE) as field:
        for concurrency in plan.ladder:
            tell(f"ladder, {concurrency} at once")
            load = Load(folder, SIZES["1K"], concurrency)
            for contestant in field.contestants:
                load.run(contestant, 2 * concurrency)  # connections between are made here
            machine = Machine(field.sessions)
            n = {name: concurrency * plan.ladder_requests for name in field.names}
            # The first request of each connection waits for the others to be spread.
            runs = run_rounds(field, load, plan.ladder_rounds, n, concurrency)
            result = {"concurrency": concurrency} | result_of(runs, machine, field)
            base = result["median"][DIRECT]
            result["through"] = {
                name: {"relay_percent": 100 * median_ratio(runs[name], runs[DIRECT], "rps"),
                       "added_ms": result["median"][name]["p50_ms"] - base["p50_ms"]}
                for name in LADDER_NAMES if name != DIRECT}
            results.append(result)
    return results


def parse_cells(text):
    parts = (cell.partition(":") for cell in text.split(","))
    cells = tuple((size, int(n)) for size, _, n in parts)
    if any(size not in SIZES or n < 1 for size, n in cells):
        raise ValueError
    return cells


def parse_arguments():
    parser = argparse.ArgumentParser(prog="tools/bench")
    parser.add_argument("--quick", action="store_true", help="fewer cells and runs: three minutes")
    parser.add_argument("--cells", type=parse_cells, metavar="SIZE:N,...",
                        help="only these, such as 1K:64,1M:1; and no ladder")
    parser.add_argument("--redis", action="store_true",
                        help="only what a claim in Redis costs: our pair without and with it")
    parser.add_argument("--rounds", type=int, help="how often each is run, in turns")
    parser.add_argument("--scrape", action="store_true",
                        help="only what a scrape of /metrics costs, and what requests notice of it")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="every run's figures")
    parser.add_argument("--plots", metavar="FOLDER", type=pathlib.Path, help="PNG files")
    parser.add_argument("--folder", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def make_plan(options):
    plan = QUICK if options.quick else FULL
    if options.redis:
        plan = dataclasses.replace(plan, cells=REDIS_CELLS, ladder=())
    if options.cells:
        plan = dataclasses.replace(plan, cells=options.cells, ladder=())
    if options.rounds:
        plan = dataclasses.replace(plan, rounds=options.rounds)
    return plan


def n_failed(results):
    return sum(figures["failed"] for key in ("cells", "ladder") for result in results[key]
               for figures in result["median"].values())


def run_all(options, plan):
    began = time.monotonic()
    results = {"machine": describe(), "plan": dataclasses.asdict(plan)}
    if options.scrape:
        results |= {"scrape": run_scrape(options.folder, plan), "cells": [], "ladder": []}
    elif options.redis:
        results |= {"cells": run_redis(options.folder, plan, SIZES, tell), "ladder": []}
    else:
        results |= {"cells": run_cells(options.folder, plan),
                    "ladder": run_ladder(options.folder, plan) if plan.ladder else []}
    return results | {"seconds": round(time.monotonic() - began)}


def main():
    # A stop from outside ends as Ctrl-C does, so that nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = parse_arguments()
    results = run_all(options, make_plan(options))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.plots:
        from bench_plots import draw  # matplotlib is there only if somebody asked for plots
        draw(results, options.plots)
    tell_all = redis_markdown if options.redis else scrape_markdown if options.scrape else markdown
    print(tell_all(results))
    failed = n_failed(results)
    if failed:
        sys.exit(f"{failed} requests failed")


if __name__ == "__main__":
    main()
