"""The command ``ticket-export`` as an operator runs it."""

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from support.installation import Installation

PROGRAM = Path(sysconfig.get_path("scripts")) / "ticket-export"


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    inherited = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [PROGRAM, *arguments], env=inherited | environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def migration(empty_database: Installation) -> dict[str, str]:
    return {
        "ADMIN_DATABASE_URL": empty_database.admin_url,
        "KAFKA_BOOTSTRAP_SERVERS": empty_database.servers.kafka.address.bootstrap,
        "TOPIC_PREFIX": f"{empty_database.database}.",
        "APP_ROLE_PASSWORD": empty_database.servers.credentials.app_password,
    }


def test_migrate_and_again(migration: dict[str, str]) -> None:
    first = run("migrate", **migration)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines()[0] == "schema exports: 0001, 0002, 0003, 0004, 0005"
    assert first.stdout.count(f"{migration['TOPIC_PREFIX']}ticket-export.") == 5
    again = run("migrate", **migration)
    assert again.stdout == "schema exports: up to date\ntopics: up to date\n"
    assert (again.returncode, again.stderr) == (0, "")


def test_migrate_without_a_broker_does_the_database_and_says_what_is_left(migration: dict[str, str]) -> None:
    tried = run("migrate", **{**migration, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    assert tried.returncode == 1
    assert tried.stdout == "schema exports: 0001, 0002, 0003, 0004, 0005\n"
    assert "KAFKA_BOOTSTRAP_SERVERS: the topics could not be created" in tried.stderr
    assert "Traceback" not in tried.stderr


def test_install_and_again(helpdesk: Installation) -> None:
    first = run("source", "install", INSTALLER_DATABASE_URL=helpdesk.installer_url)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines()[0] == "tickets: versioned"
    assert first.stdout.splitlines()[-1] == "16 tables newly versioned"
    again = run("source", "install", INSTALLER_DATABASE_URL=helpdesk.installer_url)
    assert again.stdout == "every table was versioned already\n"


def test_the_switch_of_a_bad_night(database: Installation) -> None:
    url = {"INSTALLER_DATABASE_URL": database.installer_url}
    done = run("source", "disable", "--now", **url)
    assert done.stdout.splitlines() == [
        "versioning has stopped; snapshots from before are refused",
        "16 tables are not versioned any more",
    ]
    refused = run("source", "sync", **url)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "`ticket-export source enable` switches it on again" in refused.stderr
    assert run("source", "disable", **url).stdout.count("triggers off") == 16
    on = run("source", "enable", **url)
    assert (on.returncode, on.stderr) == (0, "")
    assert on.stdout.splitlines()[-1] == "16 tables versioned"
    assert run("source", "enable", **url).stdout == "nothing was disabled\n"


def test_sync_and_rebase(database: Installation) -> None:
    url = {"INSTALLER_DATABASE_URL": database.installer_url}
    assert run("source", "sync", **url).stdout == "nothing was to be done\n"
    rebased = run("source", "rebase", **url)
    assert (rebased.returncode, rebased.stderr) == (0, "")
    assert rebased.stdout.splitlines()[-1] == "16 tables versioned anew"


def test_the_bookkeeping_may_have_another_schema(helpdesk: Installation) -> None:
    done = run("source", "install", INSTALLER_DATABASE_URL=helpdesk.installer_url, SOURCE_BOOKKEEPING_SCHEMA="books")
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [(["migrate"], "ADMIN_DATABASE_URL"), (["source", "install"], "INSTALLER_DATABASE_URL")],
)
def test_a_missing_setting_is_named_without_a_stack_trace(arguments: list[str], variable: str) -> None:
    tried = run(*arguments)
    assert tried.returncode == 1
    assert f"{variable}: is not set" in tried.stderr
    assert "Traceback" not in tried.stderr


def test_an_unreachable_database_is_named_without_its_password(migration: dict[str, str]) -> None:
    address = "postgresql://somebody:hush@127.0.0.1:1/x"
    for arguments, variable in ((["migrate"], "ADMIN_DATABASE_URL"), (["source", "install"], "INSTALLER_DATABASE_URL")):
        tried = run(*arguments, **{**migration, variable: address})
        assert tried.returncode == 1
        assert tried.stderr.startswith(f"{variable}: ")
        assert "hush" not in tried.stderr + tried.stdout
        assert "Traceback" not in tried.stderr
