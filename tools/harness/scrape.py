# SPDX-License-Identifier: MIT
"""What /metrics says: a scrape as Prometheus would read it, and what changed between two."""

import re
import urllib.request

SAMPLE = re.compile(r'(\w+)(\{[^}]*\})? (\S+)')


class Scrape:
    """values: by name and labels, as they are printed. types: by the name of the metric."""

    def __init__(self, text):
        self.text = text
        self.types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
        self.helps = dict(re.findall(r"^# HELP (\w+) (.+)$", text, re.M))
        self.values = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.fullmatch(line).groups()
                assert name + (labels or "") not in self.values, f"twice: {line}"
                self.values[name + (labels or "")] = float(value)

    def __getitem__(self, sample):
        return self.values[sample]

    def __sub__(self, before):
        """How much each sample has grown."""
        return {sample: value - before.values.get(sample, 0)
                for sample, value in self.values.items()}

    def counters(self):
        """Samples that must never go back: also those of histograms, but for their sums, which
        are not read in the same instant as the rest."""
        kinds = {"counter": ("",), "histogram": ("_bucket", "_count")}
        names = {name + suffix for name, kind in self.types.items()
                 for suffix in kinds.get(kind, ())}
        return {sample: value for sample, value in self.values.items()
                if sample.partition("{")[0] in names}


def scrape(url, seconds=10):
    """OSError where nobody answers, or not to the end."""
    with urllib.request.urlopen(url, timeout=seconds) as answer:
        return Scrape(answer.read().decode())
