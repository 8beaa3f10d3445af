#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The two dashboards for Grafana: of the metrics in Prometheus, of the access log in Azure Monitor.

dashboards.py FOLDER  writes both there, as mte-api-relay.json and mte-api-relay-azure-logs.json.

The same eight questions, each asked in two languages, and a row that only Prometheus has. A panel is
a title, a unit of Grafana, queries of Prometheus with the names of their curves, and one of the log.
"""

import json
import pathlib
import sys

PROMETHEUS, AZURE = "prometheus", "grafana-azure-monitor-datasource"
CHOSEN = 'instance=~"$instance"'
PER_SECOND, MILLISECONDS, NUMBER = "reqps", "ms", "short"
WIDTH, HEIGHT = 24, 8  # of the page, of a panel


def rate(name, more=""):
    return f"rate({name}{{{CHOSEN}{more}}}[$__rate_interval])"


def gauge(name):
    return f"{name}{{{CHOSEN}}}"


def mean(name, by=""):
    """In milliseconds, of a histogram in seconds."""
    return f"1000 * sum{by} ({rate(name + '_sum')}) / sum{by} ({rate(name + '_count')})"


def percentile(name, part, by="le"):
    return f"1000 * histogram_quantile({part}, sum by ({by}) ({rate(name + '_bucket')}))"


def waited(name):
    return [(mean(name), "mean"), (percentile(name, 0.95), "95 %"), (percentile(name, 0.99), "99 %")]


def logged(value, series='"mean"'):
    """From rows of the access log: a value for each step of time and each series."""
    return "\n| ".join([
        "ContainerLogV2", "where $__timeFilter(TimeGenerated)",
        "extend line = parse_json(tostring(LogMessage))", 'where line.kind == "access"',
        f"summarize value = {value} by bin(TimeGenerated, $__interval), series = {series}",
        "order by TimeGenerated asc"])


def logged_mean(field, series='"mean"'):
    return logged(f"avg(todouble(line.{field})) / 1000", series)


def work(what):
    """Of a quantity that is the same for all: encode or decode, of a request or a response."""
    name = what.replace(" ", "_")
    return (f"Average {what.title()} Time [ms]", MILLISECONDS,
            [(mean(f"mte_relay_{name}_seconds"), "mean")], logged_mean(f"{name}_us"))


DIRECTION = "tostring(line.direction)"
PANELS = [
    ("Requests Processed [req/sec]", PER_SECOND,
     [(f"sum by (direction) ({rate('mte_relay_requests_total')})", "{{direction}}")],
     logged("count() / ($__interval / 1s)", DIRECTION)),
    ("Request Time [ms]", MILLISECONDS,
     [(mean("mte_relay_request_seconds", " by (direction)"), "{{direction}}, mean"),
      (percentile("mte_relay_request_seconds", 0.95, "le, direction"), "{{direction}}, 95 %")],
     logged_mean("request_us", DIRECTION)),
    ("Outbound Proxy Time [ms]", MILLISECONDS, waited("mte_relay_outbound_proxy_seconds"),
     logged_mean("outbound_proxy_us")),
    ("Upstream Proxy Time [ms]", MILLISECONDS, waited("mte_relay_upstream_proxy_seconds"),
     logged_mean("upstream_proxy_us")),
    *map(work, ("request encode", "request decode", "response encode", "response decode")),
]

HEALTH = "Errors, pairs, Redis, workers"
BAD = ', status=~"4xx|5xx|aborted"'
HEALTH_PANELS = [
    ("Errors [1/sec]", NUMBER,
     [(f"sum by (status) ({rate('mte_relay_requests_total', BAD)})", "answers {{status}}"),
      (f"sum by (code) ({rate('mte_relay_refusals_total')}) > 0", "refused: {{code}}")]),
    ("Pairs", NUMBER,
     [(f"sum({gauge('mte_relay_pairs')})", "that peers send with"),
      (f"sum({gauge('mte_relay_peer_pairs')})", "that we send with"),
      (f"sum({rate('mte_relay_pairings_made_total')})", "made, 1/sec"),
      (f"sum({rate('mte_relay_pairings_failed_total')})", "failed, 1/sec"),
      (f"sum({rate('mte_relay_pairings_refused_total')})", "refused, 1/sec")]),
    ("Redis", NUMBER,
     [(f"sum({gauge('mte_relay_redis_up')})", "workers that use it"),
      (f"sum({gauge('mte_relay_redis_away')})", "workers that miss it"),
      (f"sum({rate('mte_relay_redis_errors_total')})", "errors, 1/sec"),
      (percentile("mte_relay_redis_seconds", 0.95), "answers, 95 %, ms")]),
    ("Workers", NUMBER,
     [(f"sum by (state) ({gauge('mte_relay_workers')})", "{{state}}"),
      (f"sum({rate('mte_relay_worker_deaths_total')})", "deaths, 1/sec")]),
]


def prometheus_targets(queries):
    return [{"refId": chr(ord("A") + i), "datasource": source(PROMETHEUS), "editorMode": "code",
             "expr": expression, "legendFormat": legend, "range": True}
            for i, (expression, legend) in enumerate(queries)]


def azure_targets(query):
    return [{"refId": "A", "datasource": source(AZURE), "queryType": "Azure Log Analytics",
             "azureLogAnalytics": {"query": query, "resources": ["$workspace"],
                                   "resultFormat": "time_series", "dashboardTime": True,
                                   "timeColumn": "TimeGenerated"}}]


def source(kind):
    return {"type": kind, "uid": "${datasource}"}


def panel(number, title, unit, targets, place):
    x, y, width = place
    return {"id": number, "type": "timeseries", "title": title,
            "datasource": targets[0]["datasource"], "targets": targets,
            "gridPos": {"x": x, "y": y, "w": width, "h": HEIGHT},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": {"showPoints": "never"}},
                            "overrides": []},
            "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                        "tooltip": {"mode": "multi", "sort": "desc"}}}


def panels(number, described, top, columns):
    """described: title, unit and targets of each; side by side, so many in a line."""
    width = WIDTH // columns
    return [panel(number + i, *each, (i % columns * width, top + i // columns * HEIGHT, width))
            for i, each in enumerate(described)]


def dashboard(name, title, description, variables, shown):
    return {"uid": name, "title": title, "description": description, "tags": ["mte-api-relay"],
            "schemaVersion": 36, "version": 1, "editable": True, "graphTooltip": 1, "refresh": "30s",
            "time": {"from": "now-1h", "to": "now"}, "timezone": "browser",
            "templating": {"list": variables}, "panels": shown}


def datasource_variable(kind):
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": kind}


def of_prometheus():
    eight = [(title, unit, prometheus_targets(queries)) for title, unit, queries, _ in PANELS]
    health = [(title, unit, prometheus_targets(queries)) for title, unit, queries in HEALTH_PANELS]
    top = len(eight) // 2 * HEIGHT
    row = {"id": len(eight) + 1, "type": "row", "title": HEALTH, "collapsed": False, "panels": [],
           "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}}
    instance = {"name": "instance", "label": "Instance", "type": "query",
                "datasource": source(PROMETHEUS), "query": "label_values(mte_relay_build_info, instance)",
                "refresh": 2, "sort": 1, "multi": True, "includeAll": True, "allValue": ".*",
                "current": {"text": "All", "value": "$__all"}}
    return dashboard("mte-api-relay", "mte-api-relay", "From the metrics of the admin listener.",
                     [datasource_variable(PROMETHEUS), instance],
                     [*panels(1, eight, 0, 2), row, *panels(len(eight) + 2, health, top + 1, 2)])


def of_azure_logs():
    workspace = {"name": "workspace", "label": "Log Analytics workspace (resource id)",
                 "type": "textbox", "query": ""}
    return dashboard("mte-api-relay-azure-logs", "mte-api-relay (Azure Monitor)",
                     "From access lines (ACCESS_LOG=stdout, LOG_FORMAT=json) in ContainerLogV2.",
                     [datasource_variable(AZURE), workspace],
                     panels(1, [(title, unit, azure_targets(query))
                                for title, unit, _, query in PANELS], 0, 2))


DASHBOARDS = {"mte-api-relay.json": of_prometheus, "mte-api-relay-azure-logs.json": of_azure_logs}


def written(name):
    """As it is in the file of that name."""
    return json.dumps(DASHBOARDS[name](), indent=2) + "\n"


def main():
    for name in DASHBOARDS:
        (pathlib.Path(sys.argv[1]) / name).write_text(written(name), encoding="utf-8")


if __name__ == "__main__":
    main()
