"""One stack of real servers per run; one installation per test."""

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from local_stack.servers import Servers, running_servers
from support.installation import Installation, build_template, new_installation

TEMPLATE = "template_installation"

# What a busy machine takes for an example is no finding; the rest stays as the surroundings (CI) choose it.
settings.register_profile("unhurried", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL, Kafka and S3 for the whole run."""
    with running_servers(tmp_path_factory.mktemp("stack"), durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def template_database(servers: Servers) -> str:
    """A migrated database with versioned demo tickets, to be cloned."""
    build_template(servers, TEMPLATE)
    return TEMPLATE


@pytest.fixture
def installation(servers: Servers, template_database: str) -> Iterator[Installation]:
    """A database, a bucket and topics of the test's own."""
    with new_installation(servers, template_database) as fresh:
        yield fresh


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure when REQUIRE=all: CI may not pass by leaving tests out."""
    report = yield
    if os.environ.get("REQUIRE") == "all" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"REQUIRE=all, but {item.nodeid} was skipped: {report.longrepr}"
    return report
