# SPDX-License-Identifier: MIT
"""Load by h2load: a fixed number of POSTs, all of which are answered before anything is counted,
so that no work for a request that was dropped at the end falls on the others."""

import dataclasses
import math
import statistics
import subprocess
import sys
import time

from bench_programs import cpu_us, memory

SECONDS_MAX = 300  # for one run; far more than any takes


@dataclasses.dataclass
class Run:
    """One run of the load, and what the contestant spent on it."""

    requests: int
    failed: int
    rps: float
    p50_ms: float
    p99_ms: float
    cpu_us: float | None  # for each request; None where there is no program between
    redis_us: float | None  # of it, what Redis used; None where there is none
    rss: int
    pss: int | None


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


class Load:
    """Bodies of one size by so many connections at once, each with one request at a time."""

    def __init__(self, folder, size, concurrency):
        self.size = size
        self.concurrency = concurrency
        self.log_path = folder / "requests"
        self.body_path = folder / f"body-{size}"
        if not self.body_path.exists():
            block = bytes(range(251))  # no multiple of which is a power of two
            self.body_path.write_bytes((block * (size // len(block) + 1))[:size])

    @property
    def body(self):
        return self.body_path.read_bytes()

    def whole_rounds(self, n):
        """The nearest number of requests that every connection gets as many of; at least two."""
        return max(2, round(n / self.concurrency)) * self.concurrency

    def calibrate(self, contestant, seconds):
        """Warms the contestant up, and returns how many requests take it that long."""
        n = max(2 * self.concurrency, 20)
        for share in (0.3, 1):
            run = self.run(contestant, self.whole_rounds(n))
            n = run.rps * seconds * share
        return self.whole_rounds(n)

    def run(self, contestant, n_requests, n_skipped=0):
        """The percentiles leave out the n_skipped requests that began first."""
        self.log_path.unlink(missing_ok=True)
        parts = contestant.sessions, contestant.redis_sessions
        before = [cpu_us(part) for part in parts]
        rss, pss = self.drive(contestant, n_requests)
        spent, spent_by_redis = (cpu_us(part) - earlier for part, earlier in zip(parts, before))

        rows = [tuple(map(int, row.split())) for row in self.log_path.read_text().splitlines()]
        good = sorted((start, took) for start, status, took in rows if status == 200)
        if len(good) <= n_skipped:
            sys.exit(f"{contestant.name} answered only {len(good)} of {n_requests} requests")
        whole_us = max(start + took for start, took in good) - good[0][0]
        times = sorted(took for _, took in good[n_skipped:])
        return Run(
            requests=n_requests,
            failed=n_requests - len(good),
            rps=len(good) / whole_us * 1e6,
            p50_ms=percentile(times, 0.5) / 1000,
            p99_ms=percentile(times, 0.99) / 1000,
            cpu_us=spent / len(good) if contestant.programs else None,
            redis_us=spent_by_redis / len(good) if contestant.redis_sessions else None,
            rss=rss, pss=pss)

    def drive(self, contestant, n_requests):
        """Runs h2load to its end; what the contestant's memory was at its greatest."""
        command = ["h2load", "--h1", "--threads=1", f"--clients={self.concurrency}",
                   f"--requests={n_requests}", f"--data={self.body_path}",
                   f"--log-file={self.log_path}"]
        command += [f"--header={field}" for field in contestant.fields]
        rss, pss, end = 0, 0, time.monotonic() + SECONDS_MAX
        with subprocess.Popen([*command, contestant.url], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL) as h2load:
            while h2load.poll() is None:
                if time.monotonic() > end:
                    h2load.kill()
                now_rss, now_pss = memory(contestant.sessions)
                rss, pss = max(rss, now_rss), None if now_pss is None else max(pss, now_pss)
                try:
                    h2load.wait(0.25)
                except subprocess.TimeoutExpired:
                    pass
        return rss, pss


def check_answers(contestants, load):
    for contestant in contestants:
        if not contestant.answers(load.body):
            sys.exit(f"{contestant.name} does not answer {load.size} bytes as the API does")


def run_rounds(field, load, n_rounds, n_requests, n_skipped=0):
    """Every contestant once a round, each round beginning with another: {name: [Run]}."""
    runs = {name: [] for name in field.names}
    for i in range(n_rounds):
        for j in range(len(field.names)):
            contestant = field.contestants[(i + j) % len(field.names)]
            name = contestant.name
            runs[name].append(load.run(contestant, n_requests[name], n_skipped))
    return runs


def median_of(runs):
    """The median of each figure over the rounds, failures summed."""
    def middle(name):
        values = [getattr(run, name) for run in runs if getattr(run, name) is not None]
        return statistics.median(values) if values else None
    figures = {name: middle(name) for name in ("rps", "p50_ms", "p99_ms", "cpu_us", "redis_us", "rss", "pss")}
    return figures | {"failed": sum(run.failed for run in runs),
                      "requests": sum(run.requests for run in runs)}


def median_ratio(runs, others, name):
    """The median of the ratios of one round each, so that what slowed a round slowed both."""
    return statistics.median(getattr(run, name) / getattr(other, name)
                             for run, other in zip(runs, others))
