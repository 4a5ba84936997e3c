"""From a request over REST to the file: what the view said, as of the request, in its order and its form."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from export_api.settings import ApiSettings
from integration.export_api.browser import browsing, text_of
from integration.export_api.running_api import Api, running_api
from support.assertions import file_of
from support.exports import insert_job, read_object, wait_until_ended
from support.installation import Installation
from support.workers import worker
from ticket_export.events import ExportCompleted
from ticket_export.views.columns import COLUMNS, DEFAULT_COLUMNS
from ticket_export.views.compile import compile_view
from ticket_export.views.payload import ViewPayload
from ticket_export.views.profiles import ProfileName


@pytest.fixture
async def api(installation: Installation, tmp_path: Path) -> AsyncIterator[Api]:
    settings = installation.settings(
        ApiSettings, port=0, auth_mode="demo", demo_signing_key_file=tmp_path / "key.json", log_format="console"
    )
    async with running_api(installation, settings) as running:
        yield running


async def export(api: Api, body: dict[str, Any], *, meanwhile: str = "SELECT 1", user: str = "ada") -> bytes:
    """Request, let the helpdesk go on, let a worker write the file; return it."""
    requested = await api.request_export(user, body)
    assert requested.status == 202, requested.text
    job_id = UUID(requested.json["id"])
    await api.database.execute(meanwhile)
    async with worker(api.installation):
        job = await wait_until_ended(api.installation, job_id)
    assert job["status"] == "completed", job["error_code"]
    return read_object(api.installation, (await file_of(api.installation, job_id))["object_key"])


# Written by hand, as of now: it is asked before the helpdesk goes on.
EXPECTED = """
SELECT t.id::text, t.title, coalesce(btrim(concat_ws(' ', s.first_name, s.last_name)), ''),
       coalesce(t.custom ->> 'location', ''), to_char(t.creation_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM helpdesk.tickets t LEFT JOIN helpdesk.staff s ON s.id = t.assignee_id
WHERE t.status NOT IN ('closed', 'resolved')
  AND t.creation_time >= '2016-02-29 23:00Z'
  AND (t.priority IN ('critical', 'high') OR t.custom ->> 'location' = 'Location 143')
  AND t.title ILIKE '%category 4%'
ORDER BY t.assignee_id IS NULL, concat_ws(' ', s.first_name, s.last_name) COLLATE "und-x-icu", t.id DESC
"""
LATER = """
UPDATE helpdesk.tickets SET title = 'later', status = 'closed', priority = 'low', custom = '{}', assignee_id = NULL;
UPDATE helpdesk.staff SET first_name = 'Later';
UPDATE helpdesk.custom_fields SET label = 'Later', type = 'number';
DELETE FROM helpdesk.tickets WHERE id % 2 = 0
"""


async def test_a_whole_view_over_rest_is_the_file(api: Api) -> None:
    body = {
        "view": {
            "columns": ["id", "title", "assignee_name", "custom.location", "creation_time"],
            "filters": {
                "all": [{"field": "status", "operator": "is", "value": "__OPEN__"}],
                "any": [
                    {"field": "priority", "operator": "is_any_of", "value": ["critical", "high"]},
                    {"field": "custom.location", "operator": "eq", "value": "LOCATION 143"},
                ],
            },
            "sort": [{"field": "assignee_name"}, {"field": "id", "direction": "desc"}],
        },
        "filters": {"all": [{"field": "creation_time", "operator": "is_after", "value": "2016-02-29"}]},
        "search": "CATEGORY 4",
        "time_zone": "Europe/Berlin",
        "profile": "machine",
        "delimiter": ";",
    }
    expected = [list(row) for row in await api.database.fetch(EXPECTED)]

    content = await export(api, body, meanwhile=LATER)

    assert content.startswith(b"id;title;assignee_name;custom.location;creation_time\n")
    assert list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=";"))[1:] == expected
    assert len(expected) > 10
    assert len({row[2] for row in expected}) > 5
    assert expected[-1][2] == ""


async def test_a_spreadsheet_has_the_zone_the_labels_and_the_delimiter(api: Api) -> None:
    await api.database.execute(
        "UPDATE helpdesk.tickets SET title = E'a;\tb', creation_time = '2016-03-27 01:30:00.9Z'"
        " WHERE id = (SELECT min(id) FROM helpdesk.tickets)"
    )
    columns = ["title", "creation_time", "custom.impact"]

    content = await export(api, {"view_id": "all", "columns": columns, "time_zone": "Europe/Berlin", "delimiter": "\t"})

    lines = content.decode("utf-8-sig").splitlines()
    assert lines[0] == '"Title"\t"Created (Europe/Berlin)"\t"Impact"'
    assert len(lines) == 891
    # The newest comes first; its night had no 02:30.
    assert lines[1].startswith('"a;\tb"\t"2016-03-27 03:30:00"\t"')


async def test_what_a_saved_view_says_is_taken_as_it_was(api: Api) -> None:
    view_id = "00000000-0000-0000-0000-000000000301"
    await api.database.execute(
        """UPDATE helpdesk.views SET definition = '{"version": 2, "scope": "all", "columns": ["id"], "sort": "oldest",
           "quick_filters": {"priority": "critical"}}' WHERE id = $1""",
        UUID(view_id),
    )
    critical = await api.database.fetch(
        "SELECT id FROM helpdesk.tickets WHERE priority = 'critical' ORDER BY creation_time, id"
    )

    content = await export(api, {"view_id": view_id}, meanwhile="DELETE FROM helpdesk.views")

    assert content.decode("utf-8-sig") == "".join(['"Ticket ID"\n', *(f'"{row["id"]}"\n' for row in critical)])


async def test_cells_that_no_spreadsheet_holds_are_told(api: Api) -> None:
    # Guarded, the second is one character too long; the third fits.
    for length, first in [(40_000, "x"), (32_767, "="), (32_767, "y")]:
        await api.database.execute(
            "INSERT INTO helpdesk.tickets (title, status, description) VALUES ('long', 'new', $1)",
            first + "x" * (length - 1),
        )
    body: dict[str, Any] = {"view_id": "all", "columns": ["id", "description"], "search": "xxxx"}
    for profile, told in [("spreadsheet", [("oversized_cells", 2)]), ("machine", [])]:
        content = await export(api, {**body, "profile": profile})
        assert content.count(b"x" * 32_766) == 3  # whole, all the same
        job = (await api.get("/api/v1/exports?limit=1", "ada")).json["items"][0]
        assert [(warning["code"], warning["count"]) for warning in job["warnings"]] == told, profile
        async with browsing(api, "ada") as browser:
            page = text_of((await browser.get(f"/staff/exports/{job['id']}")).text)
        assert ("2 cells are longer than the 32,767 characters" in page) is bool(told)


async def test_subscribers_are_told_of_them(installation: Installation) -> None:
    connection = await installation.connect()
    await connection.execute(
        "INSERT INTO helpdesk.tickets (title, status) VALUES (repeat('x', 32768), 'new'), (repeat('y', 32767), 'new')"
    )
    requested = await insert_job(installation, "all")
    async with worker(installation):
        await wait_until_ended(installation, requested.id)
    bodies = await connection.fetch(
        "SELECT body FROM exports.outbox WHERE headers ->> 'ce_type' = $1", ExportCompleted.type_name()
    )
    await connection.close()
    assert [ExportCompleted.model_validate_json(row["body"]).oversized_cells for row in bodies] == [1]


@pytest.mark.parametrize("profile", ["spreadsheet", "machine"])
async def test_no_row_is_shorter_than_its_plan_trusts(api: Api, profile: ProfileName) -> None:
    """Copy tasks are counted by it: a part in the middle of the file must not be below S3's least."""
    await api.database.execute("DELETE FROM helpdesk.tickets")
    await api.database.execute("ALTER TABLE helpdesk.tickets ALTER custom DROP NOT NULL, ALTER tags DROP NOT NULL")
    await api.database.execute(
        "INSERT INTO helpdesk.tickets (id, title, status, tags, custom, creation_time)"
        " VALUES (1, '', 'new', NULL, NULL, '1970-01-01Z')"
    )
    for chosen in (tuple(COLUMNS), DEFAULT_COLUMNS[:2], DEFAULT_COLUMNS, ("description", "contact_id"), ("tags",)):
        payload = ViewPayload(columns=chosen, profile=profile)
        at = datetime(2026, 1, 1, tzinfo=UTC)
        view = compile_view(payload, snapshot=None, requested_at=at, source_schema="a", bookkeeping_schema="b")

        content = await export(api, {"view_id": "all", "columns": chosen, "profile": profile})

        row = content.removeprefix(view.header.encode())
        assert view.least_row_bytes <= len(row), chosen
