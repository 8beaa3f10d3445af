# SPDX-License-Identifier: MIT
"""Each expression of the dashboard and of the alerts is asked of a real Prometheus, about a real pair."""

import json
import re

import dashboards
import pytest
import yaml
from conftest import TOP, run
from watched_pair import asked, watched_pair

TITLES = [
    "Requests Processed [req/sec]", "Request Time [ms]", "Outbound Proxy Time [ms]",
    "Upstream Proxy Time [ms]", "Average Request Encode Time [ms]",
    "Average Request Decode Time [ms]", "Average Response Encode Time [ms]",
    "Average Response Decode Time [ms]"]
RULES = TOP / "etc/prometheus/mte-api-relay.rules.yaml"
# Of an access line.
FIELDS = {"kind", "direction", "request_us", "outbound_proxy_us", "upstream_proxy_us",
          "request_encode_us", "request_decode_us", "response_encode_us", "response_decode_us"}
SECONDS = 20


def read(name):
    return json.loads((TOP / "etc/grafana" / name).read_text())


def titles(dashboard, kind="timeseries"):
    return [panel["title"] for panel in dashboard["panels"] if panel["type"] == kind]


def expressions(dashboard):
    return {f"{panel['title']}: {target['legendFormat']}": target["expr"]
            for panel in dashboard["panels"] for target in panel.get("targets", [])}


def alerts():
    return {rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"]
            for rule in group["rules"]}


@pytest.fixture(scope="module")
def watched(started_from_built, tmp_path_factory):
    with watched_pair(tmp_path_factory.mktemp("watched"), SECONDS, RULES) as seen:
        yield seen


@pytest.mark.parametrize("name", dashboards.DASHBOARDS)
def test_the_files_are_what_the_table_makes(name):
    assert (TOP / "etc/grafana" / name).read_text() == dashboards.written(name)


def test_both_dashboards_ask_the_same_eight_questions_first():
    assert titles(read("mte-api-relay.json"))[:8] == TITLES
    assert titles(read("mte-api-relay.json"), "row") == ["Errors, pairs, Redis, workers"]
    assert titles(read("mte-api-relay-azure-logs.json")) == TITLES


@pytest.mark.parametrize("name", dashboards.DASHBOARDS)
def test_the_data_source_is_chosen_by_whoever_looks(name):
    dashboard = read(name)
    variable, = [x for x in dashboard["templating"]["list"] if x["type"] == "datasource"]
    for panel in dashboard["panels"]:
        for part in [panel, *panel.get("targets", [])] if panel["type"] != "row" else []:
            assert part["datasource"] == {"type": variable["query"], "uid": "${datasource}"}
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_no_panel_lies_over_another():
    for name in dashboards.DASHBOARDS:
        taken = set()
        for place in (panel["gridPos"] for panel in read(name)["panels"]):
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            assert not cells & taken and max(x for x, _ in cells) < 24
            taken |= cells


def test_queries_of_the_log_have_the_shape_of_azure_monitor():
    """Their shape only: there is nothing here that could run them."""
    for panel in read("mte-api-relay-azure-logs.json")["panels"]:
        target, = panel["targets"]
        assert target["queryType"] == "Azure Log Analytics"
        query = target["azureLogAnalytics"]["query"]
        table, *steps = query.split("\n| ")
        assert table == "ContainerLogV2"
        assert [step.split()[0] for step in steps] == \
            ["where", "extend", "where", "summarize", "order"]
        assert "$__timeFilter(TimeGenerated)" in query and "bin(TimeGenerated, $__interval)" in query
        assert query.count("(") == query.count(")") and query.count('"') % 2 == 0
        assert set(re.findall(r"line\.(\w+)", query)) <= FIELDS


def test_prometheus_takes_the_rules_and_they_alert_as_they_should():
    run("promtool", "check", "rules", RULES)
    run("promtool", "test", "rules", RULES.with_name("mte-api-relay.rules.test.yaml"))
    tested = RULES.with_name("mte-api-relay.rules.test.yaml").read_text()
    assert all(f"alertname: {name}" in tested for name in alerts())
    assert {rule["labels"]["severity"] for rule in alerts().values()} == {"warning", "critical"}


@pytest.mark.parametrize("what", expressions(dashboards.of_prometheus()))
def test_an_expression_of_the_dashboard_returns_data(watched, what):
    prometheus, began = watched
    expression = expressions(read("mte-api-relay.json"))[what]
    assert prometheus.curves(asked(expression), began), expression


def test_the_rules_are_evaluated_and_a_good_pair_raises_no_alert(watched):
    prometheus, _ = watched
    rules = {rule["name"]: rule for group in prometheus.ask("rules")["groups"]
             for rule in group["rules"]}
    assert rules.keys() == alerts().keys()
    for rule in rules.values():
        assert rule["health"] == "ok", rule.get("lastError")
        names = set(re.findall(r"mte_relay_\w+", rule["query"]))
        if "certificate" not in rule["query"]:
            assert all(prometheus.ask("query", query=each)["result"] for each in names), names
        assert rule["state"] != "firing", rule
