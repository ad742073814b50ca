"""What `deploy/` ships fits the product: routes, settings, files and commands that it names are there."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from flask import Flask

from helpdesk.cli.main import cli
from helpdesk.settings import Settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
SETTINGS = {f"HELPDESK_{name.upper()}" for name in Settings.model_fields}
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
CADDY, SYSTEMD = shutil.which("caddy"), shutil.which("systemd-analyze")


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, comments and line breaks gone."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(words[0], words[1].strip()) for line in text.splitlines() if len(words := line.split(None, 1)) == 2]


def stages() -> dict[str, list[tuple[str, str]]]:
    """Stage -> its instructions, those of the stages that it begins with included."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, rest in instructions():
        if name == "FROM":
            base, _, stage = rest.split()
            found[stage] = list(found.get(base, []))
        else:
            found[stage].append((name, rest))
    return found


def items() -> list[dict[str, Any]]:
    """The objects of the Kubernetes manifest."""
    found: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "kubernetes.yaml").read_text())["items"]
    return found


def pods() -> Iterator[dict[str, Any]]:
    """The specification of each pod of the manifest."""
    for item in items():
        spec = item.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield spec["template"]["spec"]


def containers() -> list[dict[str, Any]]:
    """Every container of the manifest."""
    return [one for pod in pods() for one in (*pod.get("initContainers", ()), *pod["containers"])]


def compose(*names: str) -> dict[str, dict[str, Any]]:
    """The services of compose files, the later ones laid over the first."""
    services: dict[str, dict[str, Any]] = {}
    for name in names:
        for service, more in yaml.safe_load((DEPLOY / name).read_text())["services"].items():
            known = services.setdefault(service, {})
            environment = known.get("environment", {}) | more.get("environment", {})
            services[service] = known | more | {"environment": environment}
    return services


def named_commands() -> list[str]:
    """Every `helpdesk ...` that a file of `deploy/` runs."""
    listed = [" ".join(one["command"]) for one in containers()]
    listed += [" ".join(one["command"]) for one in compose("compose.yaml").values() if "command" in one]
    listed += [" ".join(re.findall(r'"([^"]+)"', rest)) for name, rest in instructions() if name == "CMD"]
    listed += [path.read_text() for path in DEPLOY.iterdir() if path.suffix in (".service", ".cron")]
    return [found for text in listed for found in re.findall(r"(?:^|bin/|\s)(helpdesk [a-z][a-z0-9 -]*[a-z0-9])", text)]


@pytest.mark.parametrize("line", sorted(set(named_commands())))
def test_commands_that_are_run_exist(line: str) -> None:
    """Services, jobs and images run commands of today, with options of today."""
    command: click.Command = cli
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group) and words:
        command = command.commands[words.pop(0)]
    command.make_context("helpdesk", words)


def test_all_doors_of_a_deployment_are_found() -> None:
    """The search for commands finds what it should."""
    assert {"helpdesk serve", "helpdesk init", "helpdesk db upgrade", "helpdesk retrain --minutes 60"} <= set(
        named_commands()
    )


@pytest.mark.parametrize("path", sorted(DEPLOY.iterdir()), ids=lambda path: path.name)
def test_settings_that_are_named_exist(path: Path) -> None:
    """Every HELPDESK_... of a shipped file is a setting."""
    assert set(re.findall(r"HELPDESK_[A-Z_]*[A-Z]", path.read_text())) <= SETTINGS


def test_the_image_copies_what_is_there() -> None:
    """Files that are copied from the checkout exist, and the list of what the build may see lets them in."""
    seen = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    sources = [
        word for name, rest in instructions() if name == "COPY" and "--from" not in rest for word in rest.split()[:-1]
    ]

    assert sources
    assert [name for name in sources if not (ROOT / name).exists() or f"!{name}" not in seen] == []


def test_the_serving_image_has_no_torch_and_no_compiler() -> None:
    """It is made of what serving installs; both images run as somebody who is not root, and say so by number."""
    found = stages()

    assert ("COPY", "--from=serve-packages /opt/helpdesk /opt/helpdesk") in found["serve"]
    assert "train.txt" not in str(found["serve-packages"])
    assert "locks/train.txt" in str(found["train-packages"])
    for image in ("serve", "train"):
        assert "apt-get" not in str(found[image])
        assert ("USER", "10001") in found[image]


def test_probes_ask_for_routes_that_exist(app: Flask) -> None:
    """Image and manifest look at /livez to see whether a process lives, at /readyz to see whether it can answer."""
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    (web,) = (one for one in containers() if one["name"] == "web")
    asked = {name: web[name]["httpGet"]["path"] for name in PROBES}
    (health,) = (rest for name, rest in instructions() if name == "HEALTHCHECK")

    assert asked == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    assert set(asked.values()) <= rules
    assert ":8000/livez" in health
    assert {"name": web["livenessProbe"]["httpGet"]["port"], "containerPort": 8000} in web["ports"]


def test_the_ingress_lets_everything_in_but_operations(app: Flask) -> None:
    """Every first part of an address but those that are for machines inside is a path of the ingress."""
    (ingress,) = (item for item in items() if item["kind"] == "Ingress")
    listed = {path["path"] for path in ingress["spec"]["rules"][0]["http"]["paths"]}
    parts = {"/" + rule.rule.split("/")[1] for rule in app.url_map.iter_rules()}

    assert parts - listed == {"/metrics", "/livez", "/readyz"}


def test_the_manifest_hangs_together() -> None:
    """What pods mount and read, services select and the ingress reaches is declared in the file; pods keep nothing."""
    declared = {(item["kind"], item["metadata"]["name"]) for item in items()}
    (deployment, service) = (next(i for i in items() if i["kind"] == kind) for kind in ("Deployment", "Service"))

    for pod in pods():
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert pod["securityContext"]["runAsNonRoot"]
        assert [set(volume) for volume in pod["volumes"]] == [{"name", "emptyDir"}] * len(volumes)
        for one in (*pod.get("initContainers", ()), *pod["containers"]):
            assert {mount["name"] for mount in one["volumeMounts"]} <= volumes
            assert {("ConfigMap", "helpdesk"), ("Secret", "helpdesk")} <= declared
            assert one["securityContext"]["readOnlyRootFilesystem"]
            assert one["image"].rsplit(":", 1)[1] in stages()
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_only_the_training_image_learns() -> None:
    """`init` and `retrain` run in the image that can, the web service in the small one."""
    images = {one["name"]: one["image"].rsplit(":", 1)[1] for one in containers()}
    services = {name: one["image"].rsplit(":", 1)[1] for name, one in compose("compose.yaml").items()}

    assert images == {"init": "train", "upgrade": "serve", "web": "serve", "night": "train"}
    assert services == {"init": "train", "web": "serve", "night": "train"}


def test_compose_services_hang_together() -> None:
    """Volumes and services that are named exist, mounted files too, and with PostgreSQL every process uses it."""
    services = compose("compose.yaml", "compose.postgresql.yaml")
    volumes = {name for file in DEPLOY.glob("compose*.yaml") for name in yaml.safe_load(file.read_text())["volumes"]}

    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert source in volumes or (DEPLOY / source).exists() or source.startswith("./tls/")
    for name in ("init", "web", "night"):
        assert "HELPDESK_DATABASE_URL" in services[name]["environment"]
        assert services[name]["read_only"]


def test_proxies_allow_what_the_service_allows() -> None:
    """Both proxies pass uploads of an FAQ, hide the metrics and lead to the port of `helpdesk serve`."""
    for name in ("nginx.conf", "Caddyfile"):
        text = (DEPLOY / name).read_text()
        assert "127.0.0.1:8000" in text
        assert "/desk/faq/import" in text
        assert "/metrics" in text
        assert text.count("{") == text.count("}"), name


@pytest.mark.skipif(CADDY is None, reason="no caddy on this machine")
def test_caddy_reads_its_file() -> None:
    """By its own check."""
    command = [str(CADDY), "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(SYSTEMD is None, reason="no systemd on this machine")
def test_systemd_reads_its_units(tmp_path: Path) -> None:
    """By its own check, with a program that is there in place of ours."""
    for path in (*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")):
        unit = path.read_text().replace("/opt/helpdesk/.venv/bin/helpdesk", "/bin/true")
        (tmp_path / path.name).write_text(unit)
    units = [str(path) for path in tmp_path.iterdir()]
    done = subprocess.run([str(SYSTEMD), "verify", *units], capture_output=True, text=True, timeout=60)

    faults = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert faults == [], faults
