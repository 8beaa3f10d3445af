# SPDX-License-Identifier: MIT
"""What etc/kubernetes renders to is known to Kubernetes field by field, strict, and what the relay takes."""

import base64
import os
import pathlib
import re
import shutil
import socket

import pytest
import yaml
from conftest import TOP, run
from relay import Relay, curl, default_settings

FOLDER = TOP / "etc/kubernetes"
TREES = ["base", "overlays/single", "overlays/demo-pair", "overlays/production"]
EXAMPLE = FOLDER / "base/secret.example.yaml"
# A strict check against the schema of Kubernetes, where there is one.
CHECK = pathlib.Path(os.environ.get("MTE_K8S_CHECK", TOP / "../shared/tools/k8s-check"))
WITHOUT_SCHEMA = ["PodMonitor"]


@pytest.fixture(scope="module")
def render():
    """render(tree): its objects. The kubectl of Debian 12 is too old for what kustomize is today."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not here")
    rendered = {}

    def render_once(tree):
        if tree not in rendered:
            rendered[tree] = run("kubectl", "kustomize", FOLDER / tree)
        return list(yaml.safe_load_all(rendered[tree]))
    return render_once


def of_kind(objects, kind):
    return [x for x in objects if x["kind"] == kind]


def pods(objects):
    return [(x, x["spec"]["template"]["spec"]) for x in of_kind(objects, "Deployment")]


def settings(objects, pod):
    """What the environment is, from the maps that the pod names and what it says itself."""
    container = pod["containers"][0]
    maps = {x["metadata"]["name"]: x["data"] for x in of_kind(objects, "ConfigMap")}
    names = [source["configMapRef"]["name"] for source in container["envFrom"]]
    assert all(set(source) == {"configMapRef"} for source in container["envFrom"])
    values = {key: value for name in names for key, value in maps[name].items()}
    return values | {each["name"]: each["value"] for each in container["env"]}


def secrets(objects, pod):
    """The content of the Secret that the pod mounts; the example's where it is not of the tree."""
    name, = [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume]
    for secret in of_kind(objects, "Secret"):
        if secret["metadata"]["name"] == name:
            return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    example = yaml.safe_load(EXAMPLE.read_text())
    assert example["metadata"]["name"] == name
    return example["stringData"]


def seconds(duration):
    return int(re.fullmatch(r"(\d+)s", duration)[1])


@pytest.mark.parametrize("tree", [*TREES, EXAMPLE.relative_to(FOLDER).as_posix()])
def test_kubernetes_knows_every_field(render, tmp_path, tree):
    if not CHECK.exists():
        pytest.skip(f"{CHECK} is not here: set MTE_K8S_CHECK")
    path = FOLDER / tree
    if path.is_dir():
        path = tmp_path / "rendered.yaml"
        path.write_text(yaml.safe_dump_all(render(tree)))
    verdicts = re.findall(r": (\w+)/\S+: (.*)", run("/usr/bin/python3", CHECK, path))
    assert verdicts
    for kind, verdict in verdicts:
        assert verdict == ("no schema" if kind in WITHOUT_SCHEMA else "ok")


@pytest.mark.parametrize("tree", TREES)
def test_a_pod_may_do_nothing_but_serve(render, tree):
    for _, pod in pods(render(tree)):
        container, = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]}}
        assert pod["automountServiceAccountToken"] is False
        assert all(container["resources"][kind][what]
                   for kind in ("requests", "limits") for what in ("cpu", "memory"))


@pytest.mark.parametrize("tree", TREES)
def test_an_instance_leaves_only_when_all_it_had_is_done(render, tree):
    objects = render(tree)
    for deployment, pod in pods(objects):
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        sleep, pause = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
        drain = seconds(settings(objects, pod)["DRAIN_TIMEOUT"])
        assert sleep == "sleep" and pod["terminationGracePeriodSeconds"] > int(pause) + drain + 1


@pytest.mark.parametrize("tree", TREES)
def test_probes_ask_the_admin_port_and_the_service_the_other(render, tree):
    objects = render(tree)
    for deployment, pod in pods(objects):
        container, values = pod["containers"][0], settings(objects, pod)
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert values["ADMIN_LISTEN"] == f"0.0.0.0:{ports['admin']}"
        assert values["PORT"] == str(ports["relay"]) == "8080"
        for probe, path in ("startup", "/healthz"), ("liveness", "/healthz"), ("readiness", "/readyz"):
            asked = container[f"{probe}Probe"]["httpGet"]
            assert (asked["path"], asked["port"]) == (path, "admin")
        service, = [x for x in of_kind(objects, "Service")
                    if x["metadata"]["name"] == deployment["metadata"]["name"]]
        port, = service["spec"]["ports"]
        assert (port["port"], port["targetPort"]) == (80, "relay")


@pytest.mark.parametrize("tree", TREES)
def test_what_selects_pods_selects_those_of_one_deployment(render, tree):
    objects = render(tree)
    labels = {x["metadata"]["name"]: x["spec"]["template"]["metadata"]["labels"]
              for x in of_kind(objects, "Deployment")}
    for kind, where in (("Deployment", "selector"), ("PodDisruptionBudget", "selector"),
                        ("NetworkPolicy", "podSelector"), ("Service", None), ("PodMonitor", "selector")):
        for each in of_kind(objects, kind):
            spec = each["spec"]
            asked = spec[where]["matchLabels"] if where else spec["selector"]
            found = [name for name, own in labels.items() if asked.items() <= own.items()]
            assert asked and found == [each["metadata"]["name"]], kind


@pytest.mark.parametrize("tree", TREES)
def test_secrets_are_files_and_in_no_environment(render, tree):
    objects = render(tree)
    for _, pod in pods(objects):
        values, known = settings(objects, pod), secrets(objects, pod)
        mount, = [x for x in pod["containers"][0]["volumeMounts"] if x["name"] == "secrets"]
        for name in "CLIENT_ID_SECRET", "OUTBOUND_TOKEN", "SECRET":
            assert name not in values
            assert values[name + "_FILE"] == f"{mount['mountPath']}/{name}" and known[name]
        assert "REDIS_URL" not in values


# The base has no UPSTREAM.
@pytest.mark.parametrize("tree", TREES[1:])
def test_the_relay_finds_the_settings_good(render, built, tmp_path, tree):
    objects = render(tree)
    for number, (_, pod) in enumerate(pods(objects)):
        values, folder = settings(objects, pod), tmp_path / str(number)
        folder.mkdir()
        for name, value in secrets(objects, pod).items():
            (folder / name).write_text(value)
        environment = {name: str(folder / pathlib.Path(value).name) if name.endswith("_FILE") else value
                       for name, value in values.items()}
        said = run(built / "mte-api-relayd", "--worker", built / "mte-api-relay-worker", "--test",
                   env=environment | {"PATH": os.environ["PATH"], "RUN_USER": "nobody"})
        assert " error " not in said


def test_one_instance_needs_no_redis_and_more_have_it(render):
    single, = of_kind(render("overlays/single"), "Deployment")
    assert single["spec"]["replicas"] == 1
    objects = render("overlays/production")
    (production, pod), = pods(objects)
    scaler, = of_kind(objects, "HorizontalPodAutoscaler")
    assert "replicas" not in production["spec"]
    assert scaler["spec"]["scaleTargetRef"]["name"] == production["metadata"]["name"]
    assert scaler["spec"]["minReplicas"] == 2
    assert settings(objects, pod)["REDIS_URL_FILE"] and secrets(objects, pod)["REDIS_URL"]
    base, = of_kind(render("base"), "Deployment")
    assert base["spec"]["replicas"] == 2


def test_the_demo_is_a_pair(render):
    objects = render("overlays/demo-pair")
    sides = {x["metadata"]["labels"]["app.kubernetes.io/instance"]: (x, pod) for x, pod in pods(objects)}
    assert set(sides) == {"inbound", "outbound"}
    peer = settings(objects, sides["outbound"][1])["OUTBOUND_UPSTREAM"]
    assert peer == f"http://{sides['inbound'][0]['metadata']['name']}"
    known = [secrets(objects, pod) for _, pod in sides.values()]
    assert known[0]["SECRET"] == known[1]["SECRET"]
    assert known[0]["CLIENT_ID_SECRET"] != known[1]["CLIENT_ID_SECRET"]


def test_the_demo_answers_through_its_pair(render, started_from_built, tmp_path):
    """As its README says, but for the ports: there one machine is not both sides."""
    objects = render("overlays/demo-pair")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        admin = f"127.0.0.1:{free.getsockname()[1]}"
    sides = {}
    try:
        for deployment, pod in pods(objects):
            side = deployment["metadata"]["labels"]["app.kubernetes.io/instance"]
            own = settings(objects, pod) | secrets(objects, pod)
            own = {key: value for key, value in own.items() if not key.endswith("_FILE")}
            if side == "inbound":
                assert own["UPSTREAM"].endswith(own["ADMIN_LISTEN"].rpartition(":")[2])
                own |= {"ADMIN_LISTEN": admin, "UPSTREAM": f"http://{admin}"}
            else:
                own |= {"ADMIN_LISTEN": "off", "OUTBOUND_UPSTREAM": sides["inbound"].url()}
            own |= {key: value for key, value in default_settings(side).items()
                    if key in ("PORT", "LISTEN", "WORKERS", "LOG_FORMAT", "RUN_USER")}
            sides[side] = Relay(tmp_path, side, own).start()
        token = re.search(r"x-mte-outbound-token: [^']+", (FOLDER / "README.md").read_text())[0]
        answer = curl(sides["outbound"].url("/healthz"), fields=[token])
        assert (answer.status, answer.refusal) == (200, None)
    finally:
        assert [sides[side].stop() for side in reversed(sides)] == [0, 0]
