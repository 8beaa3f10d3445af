# SPDX-License-Identifier: MIT
"""tools/bench --scrape: what a scrape of /metrics costs, and what requests notice of it."""

import http.client
import statistics
import sys
import threading
import time

from bench_contestants import WATCHED, Field
from bench_load import Load, median_of, percentile
from bench_programs import cpu_us
from bench_report import number, table

N_SCRAPES = 1000
EVERY = 0.1  # seconds, under load: 150 times as often as Prometheus asks
CONCURRENCY = 64


def scrape_once(relay):
    """Milliseconds, and bytes; a connection for each, as most that scrape do it."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", relay.admin_port, timeout=10)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    size = len(answer.read())
    connection.close()
    if answer.status != 200:
        sys.exit(f"{relay.name} answered a scrape with {answer.status}")
    return (time.monotonic() - began) * 1000, size


class Scraper:
    """Scrapes these relays again and again, beside what else happens."""

    def __init__(self, relays):
        self.relays = relays
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.wait(EVERY):
            for relay in self.relays:
                scrape_once(relay)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def cost_of(relay):
    session = {relay.process.pid}
    before = cpu_us(session)
    times, sizes = zip(*(scrape_once(relay) for _ in range(N_SCRAPES)))
    spent = (cpu_us(session) - before) / N_SCRAPES
    times = sorted(times)
    return {"cpu_us": spent, "p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99),
            "bytes": statistics.median(sizes)}


def run_scrape(folder, plan):
    with Field(folder / "scrape", (WATCHED,)) as field:
        pair = field.contestants[0]
        load = Load(folder, 1024, CONCURRENCY)
        n = load.calibrate(pair, plan.seconds)
        runs = {"alone": [], "scraped": []}
        for _ in range(plan.rounds):
            runs["alone"].append(load.run(pair, n))
            with Scraper(pair.programs):
                runs["scraped"].append(load.run(pair, n))
        return {"cost": cost_of(pair.programs[0]),
                "load": {name: median_of(of_one) for name, of_one in runs.items()}}


def scrape_markdown(results):
    cost, load = results["scrape"]["cost"], results["scrape"]["load"]
    return "\n".join([
        f"### A scrape of 16 workers and their master, {N_SCRAPES} of them", "",
        *table(["bytes", "CPU µs", "p50 ms", "p99 ms"],
               [[number(cost["bytes"], 0), number(cost["cpu_us"]), number(cost["p50_ms"]),
                 number(cost["p99_ms"])]]),
        f"### 1K up and down, {CONCURRENCY} at once, alone and with a scrape of both relays every"
        f" {EVERY} s", "",
        *table(["", "requests/s", "CPU µs", "p50 ms", "p99 ms", "failed"],
               [[name, number(figures["rps"]), number(figures["cpu_us"]),
                 number(figures["p50_ms"]), number(figures["p99_ms"]), str(figures["failed"])]
                for name, figures in load.items()])]).rstrip()
