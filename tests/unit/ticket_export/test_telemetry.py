"""Logs: nothing that a user chose can steer a terminal or forge a line, and no secret gets in."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog
from pydantic import SecretStr

from ticket_export.telemetry import configure_logging, get_logger

Form = Literal["json", "console"]
BOTH = pytest.mark.parametrize("form", ["json", "console"])
SECRET = "hunter2-very-secret"
EVIL = "Ada\x1b[31m\x9b2J\x07\x00\r\nINFO forged line\x7f\u2028\u202e"
STEERING = "\x1b\x9b\x07\x00\r\x7f\u2028\u202e"


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()


class Log:
    """Configured logging and what it wrote."""

    def __init__(self, form: Form, capture: pytest.CaptureFixture[str]) -> None:
        configure_logging("test-service", level="INFO", form=form)
        self._capture = capture

    def lines(self) -> list[str]:
        return self._capture.readouterr().err.split("\n")[:-1]

    def record(self) -> dict[str, Any]:
        (line,) = self.lines()
        parsed: dict[str, Any] = json.loads(line)
        return parsed


def fail(message: str) -> None:
    bearer_token = SECRET
    raise ValueError(f"{message} ({len(bearer_token)} characters)")


def test_a_record_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log("json", capsys)
    get_logger("a.module").info("Task claimed", action="claimed", rows=3)
    record = log.record()
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "event": "Task claimed",
        "action": "claimed",
        "rows": 3,
        "level": "info",
        "logger": "a.module",
        "service": "test-service",
    }


def test_the_standard_librarys_records_look_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log("json", capsys)
    logging.getLogger("aiohttp.server").warning("slow request: %s", "12 s")
    record = log.record()
    assert (record["event"], record["level"], record["logger"]) == ("slow request: 12 s", "warning", "aiohttp.server")
    assert record["service"] == "test-service"


def test_the_level_is_obeyed_and_chatty_libraries_are_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log("json", capsys)
    get_logger("a").debug("not this")
    logging.getLogger("aiokafka").info("nor this")
    assert log.lines() == []


@BOTH
def test_a_name_that_a_user_chose_steers_nothing(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(form, capsys)
    get_logger("a").info("View saved", name=EVIL, names=[EVIL], nested={"name": EVIL})
    (line,) = log.lines()
    assert "Ada" in line
    assert not set(STEERING) & set(line)


@BOTH
def test_nor_in_the_message_itself(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(form, capsys)
    logging.getLogger("asyncpg").error("notice: %s", EVIL)
    (line,) = log.lines()
    assert not set(STEERING) & set(line)


@BOTH
def test_nor_in_an_exception(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(form, capsys)
    try:
        fail(EVIL)
    except ValueError:
        get_logger("a").exception("It failed", action="failed")
    text = "\n".join(log.lines())
    assert "ValueError" in text
    assert "in fail" in text or '"name": "fail"' in text
    assert not set(STEERING) & set(text)
    assert not any(line.startswith("INFO forged line") for line in text.split("\n"))


def test_people_read_a_traceback_over_several_lines(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log("console", capsys)
    try:
        fail("no")
    except ValueError:
        get_logger("a").exception("It failed")
    first, *rest = log.lines()
    assert "It failed" in first
    assert rest[0] == "  Traceback (most recent call last):"
    assert rest[-1] == f"  ValueError: no ({len(SECRET)} characters)"


@BOTH
def test_a_traceback_shows_no_variables(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(form, capsys)
    try:
        fail("no")
    except ValueError as error:
        get_logger("a").error("Task ended", exc_info=error)
        logging.getLogger("b").exception("Handler failed")
    text = "\n".join(log.lines())
    assert text.count("ValueError") >= 2
    assert SECRET not in text


@BOTH
def test_a_secret_setting_is_masked(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(form, capsys)
    get_logger("a").info("Settings", key=SecretStr(SECRET), all={"key": SecretStr(SECRET)}, error=SecretStr(SECRET))
    text = "\n".join(log.lines())
    assert "Settings" in text
    assert SECRET not in text


@BOTH
def test_configuring_again_writes_no_line_twice(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    Log(form, capsys)
    log = Log(form, capsys)
    get_logger("c").info("once")
    assert len(log.lines()) == 1


def test_the_kafka_clients_log_has_the_form_of_ours() -> None:
    """FastStream gives its own loggers coloured lines; the one that it is handed must not get them."""
    program = """
from ticket_export.bus.client import build_broker
from ticket_export.settings import KafkaSettings
from ticket_export.telemetry import CLIENT_LOGGER, configure_logging
import logging
configure_logging("test", level="INFO", form="json")
build_broker(KafkaSettings(kafka_bootstrap_servers="127.0.0.1:1"), client_id="test")
logging.getLogger(CLIENT_LOGGER).error("broken %s", chr(27) + "[31m")
"""
    lines = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stderr
    [record] = [json.loads(line) for line in lines.splitlines()]
    assert record["logger"] == "ticket_export.kafka_client"
    assert record["level"] == "error"
