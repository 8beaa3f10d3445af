# SPDX-License-Identifier: MIT
"""What it costs that Redis decides: a pair with claims in shared memory beside one with Redis."""

import dataclasses
import statistics

from bench_contestants import OURS, REDIS_BUILDERS, WITH_REDIS, Field
from bench_load import Load, check_answers, median_of, median_ratio, run_rounds
from bench_programs import Machine
from bench_report import head_of, number, table


def added_ms(runs, others):
    """The median of the differences of one round each."""
    return statistics.median(run.p50_ms - other.p50_ms for run, other in zip(runs, others))


def run_redis(folder, plan, sizes, tell):
    results = []
    with Field(folder / "redis", tuple(REDIS_BUILDERS)) as field:
        for size, concurrency in plan.cells:
            tell(f"with and without Redis, {size} up and down, {concurrency} at once")
            load = Load(folder, sizes[size], concurrency)
            check_answers(field.contestants, load)
            n = {x.name: load.calibrate(x, plan.seconds) for x in field.contestants}
            machine = Machine(field.sessions)
            runs = run_rounds(field, load, plan.rounds, n)
            results.append({
                "size": size, "concurrency": concurrency,
                "cpu_ratio": median_ratio(runs[WITH_REDIS], runs[OURS], "cpu_us"),
                "added_p50_ms": added_ms(runs[WITH_REDIS], runs[OURS]),
                "others_cpu": machine.others(field.sessions),
                "median": {name: median_of(x) for name, x in runs.items()},
                "rounds": {name: [dataclasses.asdict(run) for run in x]
                           for name, x in runs.items()}})
    return results


def row_of(cell):
    alone, shared = cell["median"][OURS], cell["median"][WITH_REDIS]
    return [f"{cell['size']}, {cell['concurrency']}", number(alone["cpu_us"]),
            number(shared["cpu_us"] - shared["redis_us"]), number(shared["redis_us"]),
            f"{100 * (cell['cpu_ratio'] - 1):+.0f} %", number(alone["p50_ms"]),
            number(shared["p50_ms"]), f"{cell['added_p50_ms']:+.2f}"]


def redis_markdown(results):
    head = ["body, at once", "pair, CPU µs", "pair with Redis, CPU µs", "Redis, CPU µs",
            "CPU added", "p50 ms", "p50 ms with Redis", "p50 ms added"]
    return "\n".join([*head_of(results), *table(head, map(row_of, results["cells"]))]).rstrip()
