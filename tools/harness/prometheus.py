# SPDX-License-Identifier: MIT
"""A Prometheus of our own: what it scrapes, what it is asked. Never the system's service."""

import json
import math
import re
import subprocess
import time
import urllib.parse
import urllib.request

from relay import wait_until


class Prometheus:
    """Scrapes /metrics of these ports of 127.0.0.1, named by name, every second, once started."""

    def __init__(self, folder, targets, rules=None):
        self.folder = folder
        self.folder.mkdir()
        jobs = [{"job_name": "relays", "static_configs": [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": name}}
            for name, port in targets.items()]}]
        configuration = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                         "rule_files": [str(rules)] if rules else [], "scrape_configs": jobs}
        (folder / "prometheus.yml").write_text(json.dumps(configuration))  # JSON is YAML
        self.process = None
        self.url = None

    def start(self):
        log_path = self.folder / "log"
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={self.folder}/prometheus.yml",
                 f"--storage.tsdb.path={self.folder}/data", "--web.listen-address=127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def look():
            text = log_path.read_text()
            assert self.process.poll() is None, text[-3000:]
            return "Server is ready" in text and \
                re.search(r'"Listening on" address=(127\.0\.0\.1:\d+)', text)
        self.url = f"http://{wait_until(look, 30, 'Prometheus')[1]}/api/v1/"
        return self

    def ask(self, what, **parameters):
        url = self.url + what + "?" + urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)["data"]

    def wait_for_scrapes(self, n):
        """Until each target has been scraped well so often."""
        def counted():
            found = self.ask("query", query=f"min(count_over_time(up[1h])) >= {n} and min(up) == 1")
            return found["result"]
        wait_until(counted, 60 + 2 * n, f"{n} scrapes of each relay")

    def curves(self, expression, began):
        """Since then, a point a second: (labels, [(seconds since began, value)]), numbers only."""
        found = self.ask("query_range", query=expression, start=began, end=time.time(), step=1)
        curves = []
        for curve in found["result"]:
            points = [(at - began, float(value)) for at, value in curve["values"]]
            points = [point for point in points if math.isfinite(point[1])]
            if points:
                curves.append((curve["metric"], points))
        return curves

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
