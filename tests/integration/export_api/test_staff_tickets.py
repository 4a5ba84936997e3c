"""The ticket list: what a view shows, page by page, and who is offered an export of it."""

import json
from urllib.parse import urlencode

import pytest

from integration.export_api.browser import Browser, browsing, cells, fields_of, link, text_of
from integration.export_api.running_api import Api
from local_stack.demo.people import BROKEN_PROMISES, CARAS_PICKUPS, NEEDS_ATTENTION

OPEN = "status IN (SELECT developer_name FROM helpdesk.statuses WHERE status_type = 'open') AND deleted_at IS NULL"
CONDITIONS = {
    "all": "deleted_at IS NULL",
    "open": OPEN,
    "unassigned": f"{OPEN} AND assignee_id IS NULL AND owning_team_id IS NULL",
    str(BROKEN_PROMISES.id): f"{OPEN} AND sla_status = 'breached'",
}


async def ids(api: Api, condition: str) -> list[str]:
    rows = await api.database.fetch(
        f"SELECT id FROM helpdesk.tickets WHERE {condition} ORDER BY creation_time DESC, id DESC"
    )
    return [str(row["id"]) for row in rows]


async def walk(browser: Browser, path: str, label: str) -> list[str]:
    """Follow a link from page to page; return the ids in the order seen, page by page."""
    pages: list[list[str]] = []
    address: str | None = path
    while address is not None:
        page = await browser.get(address)
        assert page.status == 200
        pages.append(cells(page.text, "id"))
        assert len(pages[-1]) <= 25
        address = link(page.text, label)
    return [ticket for page in (pages if label == "Next →" else reversed(pages)) for ticket in page]


@pytest.mark.parametrize("view", list(CONDITIONS))
async def test_the_pages_of_a_view_hold_its_tickets_once_newest_first(api: Api, view: str) -> None:
    # Several of one instant across a page's edge.
    await api.database.execute("UPDATE helpdesk.tickets SET creation_time = date_trunc('hour', creation_time)")
    await api.database.execute("UPDATE helpdesk.tickets SET deleted_at = now() WHERE id % 50 = 0")
    wanted = await ids(api, CONDITIONS[view])
    async with browsing(api, "dan") as browser:
        assert await walk(browser, f"/staff/tickets?view={view}", "Next →") == wanted
        assert f"{len(wanted)} ticket" in text_of(browser.page.text)


async def test_one_can_go_back(api: Api) -> None:
    wanted = await ids(api, OPEN)
    async with browsing(api, "dan") as browser:
        await walk(browser, "/staff/tickets", "Next →")
        previous = link(browser.page.text, "← Previous")
        assert previous is not None
        before_last = wanted[: len(wanted) - len(cells(browser.page.text, "id"))]
        # The first page of the way back may be a short one, since pages are cut from where one stands.
        assert await walk(browser, previous, "← Previous") == before_last
        assert link(browser.page.text, "First") is None


async def test_an_instant_that_no_calendar_here_has_costs_its_cell_and_not_the_page(api: Api) -> None:
    await api.database.execute("""
        UPDATE helpdesk.tickets SET creation_time = '0044-03-15 BC', sla_due_at = '12000-01-01Z', closed_at = 'infinity',
               resolved_at = '-infinity' WHERE id = (SELECT min(id) FROM helpdesk.tickets)""")
    columns = "columns=id,creation_time,sla_due_at,closed_at,resolved_at"
    async with browsing(api, "dan") as browser:
        for sort in ("oldest", "closed_at:desc", "sla_due_at:desc"):
            assert len(await walk(browser, f"/staff/tickets?view=all&{columns}&sort={sort}", "Next →")) == 890


async def test_a_change_is_seen_at_once_with_labels(api: Api) -> None:
    await api.database.execute(
        "UPDATE helpdesk.tickets SET title = '<b>Bold & new</b>', priority = 'critical' WHERE id = (SELECT max(id) FROM helpdesk.tickets)"
    )
    async with browsing(api, "dan") as browser:
        page = (await browser.get("/staff/tickets?view=all")).text

    assert cells(page, "title")[0] == "<b>Bold & new</b>"
    assert "<b>Bold" not in page
    assert cells(page, "priority")[0] == "Critical"


async def test_the_button_is_there_with_the_permission_only(api: Api) -> None:
    for user, offered in [("ada", True), ("bob", False), ("cara", True), ("dan", False)]:
        async with browsing(api, user) as browser:
            assert ("Export to CSV" in (await browser.get("/staff/tickets")).text) is offered


async def test_views_are_offered_and_a_foreign_or_unknown_one_is_not_found(api: Api) -> None:
    async with browsing(api, "cara") as browser:
        assert "Cara's pick-ups yours" in text_of((await browser.get("/staff/tickets")).text)
        assert (await browser.get(f"/staff/tickets?view={CARAS_PICKUPS.id}")).status == 200
    async with browsing(api, "ada") as browser:
        page = await browser.get(f"/staff/tickets?view={CARAS_PICKUPS.id}")
        assert "pick-ups" not in (await browser.get("/staff/tickets")).text
        wrong = await browser.get("/staff/tickets?older_than=x")
    assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "View not found" in page.text
    assert (wrong.status, "older_than" in wrong.text) == (422, True)


async def test_a_view_without_tickets_says_so(api: Api) -> None:
    await api.database.execute("UPDATE helpdesk.tickets SET deleted_at = now()")
    async with browsing(api, "dan") as browser:
        page = text_of((await browser.get("/staff/tickets?view=all")).text)
    assert "0 tickets" in page
    assert "No tickets here." in page


FILTERS = {"any": [{"field": "priority", "operator": "gte", "value": "high"},
                   {"field": "custom.location", "operator": "eq", "value": "Location 143"}]}  # fmt: skip
ASKED = {
    "view": "open",
    "search": 'CATEGORY "',
    "sort": "assignee_name:desc,title:asc",
    "columns": "id,title,assignee_name,custom.location",
    "filters": json.dumps(FILTERS),
    "priority": "moderate",
}


async def prepare_quotes(api: Api) -> None:
    await api.database.execute("UPDATE helpdesk.tickets SET title = replace(title, 'Category ', 'Category \"')")


async def test_search_sort_columns_and_filters_hold_across_pages(api: Api) -> None:
    await prepare_quotes(api)
    wanted = await api.database.fetch(
        f"""SELECT t.id::text FROM helpdesk.tickets t LEFT JOIN helpdesk.staff s ON s.id = t.assignee_id
            WHERE {OPEN} AND title LIKE '%Category "%' AND priority = 'moderate'
            AND (priority IN ('high', 'critical') OR custom ->> 'location' = 'Location 143')
            ORDER BY s.id IS NULL, concat_ws(' ', s.first_name, s.last_name) COLLATE "und-x-icu" DESC,
                     title COLLATE "und-x-icu", t.id DESC"""
    )
    async with browsing(api, "dan") as browser:
        path = f"/staff/tickets?{urlencode(ASKED)}"
        assert await walk(browser, path, "Next →") == [row["id"] for row in wanted]
        assert len(wanted) > 25
        assert f"{len(wanted)} tickets" in text_of(browser.page.text)
        assert "Location 143" in cells(browser.page.text, "custom.location")
        first = link(browser.page.text, "First")
        assert first is not None
        assert cells((await browser.get(first)).text, "id") == [row["id"] for row in wanted][:25]


async def test_the_controls_stand_as_they_were_set(api: Api) -> None:
    async with browsing(api, "dan") as browser:
        page = (await browser.get(f"/staff/tickets?{urlencode(ASKED)}")).text
        assert fields_of(page, "/staff/tickets", method="get") == ASKED
        plain = (await browser.get("/staff/tickets")).text
        assert fields_of(plain, "/staff/tickets", method="get") == {"view": "open", "search": "", "sort": ""}
        sorted_by_name = (await browser.get("/staff/tickets?view=open&sort=sla&search=")).text
        assert fields_of(sorted_by_name, "/staff/tickets", method="get")["sort"] == "sla"
        assert link(plain, "Whole view") is None
        assert link(page, "Whole view") == "/staff/tickets?view=open"


async def test_the_button_exports_what_is_on_the_screen(api: Api) -> None:
    await prepare_quotes(api)
    async with browsing(api, "cara") as browser:
        page = (await browser.get(f"/staff/tickets?{urlencode(ASKED)}")).text
        answer = await browser.post("/staff/exports", fields_of(page, "/staff/exports"))
    assert answer.status == 303, answer.text
    payload = json.loads(await api.database.fetchval("SELECT payload FROM exports.jobs"))
    assert payload["columns"] == ["id", "title", "assignee_name", "custom.location"]
    assert payload["sort"] == [
        {"field": "assignee_name", "direction": "desc"},
        {"field": "title", "direction": "asc"},
    ]
    assert (payload["scope"], payload["search"]) == ("open", 'CATEGORY "')
    assert (payload["filters"], payload["quick_filters"]) == ([{"all": [], **FILTERS}], {"priority": "moderate"})


async def test_a_saved_views_own_search_can_be_cleared(api: Api) -> None:
    await api.database.execute(
        """UPDATE helpdesk.views SET definition = '{"version": 2, "search": "nobody says this"}' WHERE id = $1""",
        NEEDS_ATTENTION.id,
    )
    async with browsing(api, "dan") as browser:
        page = (await browser.get(f"/staff/tickets?view={NEEDS_ATTENTION.id}")).text
        assert fields_of(page, "/staff/tickets", method="get")["search"] == "nobody says this"
        assert "0 tickets" in text_of(page)
        assert "890 tickets" in text_of((await browser.get(f"/staff/tickets?view={NEEDS_ATTENTION.id}&search=")).text)


async def test_a_rich_saved_view_is_shown_as_it_says(api: Api) -> None:
    async with browsing(api, "dan") as browser:
        page = (await browser.get(f"/staff/tickets?view={NEEDS_ATTENTION.id}")).text
    urgencies = cells(page, "custom.urgency")
    assert "Critical" in cells(page, "priority")[0]
    assert "1 - High" in urgencies
    assert "Low" not in cells(page, "priority")


WRONG = [
    ("view=open&status=gone", "status", "awaiting_vendor"),
    ("view=open&serch=x", "serch", "search"),
    ("view=open&status=new&status=active", "status", "more than once"),
    ("view=open&sort=cheapest", "sort", "newest"),
    ("view=open&sort=nothing:asc", "sort", "/0/field"),
    ("view=open&columns=id,id", "columns", "once"),
    ("view=open&columns=", "columns", "at least one"),
    ("view=open&filters=%7B", "filters", "not JSON"),
    ('view=open&filters={"all":[{"field":"title","operator":"like","value":"x"}]}', "filters", "/all/0/operator"),
    ("view=open&contact_id=seven", "contact_id", "whole number"),
    ("view=open&assignee_id=team:x", "assignee_id", "id"),
    ("view=open&after=WyJ4Il0", "after", "not a place"),
    ("view=open&after=WyJ4Il0&before=WyJ4Il0", "before", "after"),
]


async def test_a_fault_shows_the_problem_page_with_the_parameter(api: Api) -> None:
    async with browsing(api, "cara") as browser:
        for query, parameter, allowed in WRONG:
            page = await browser.get(f"/staff/tickets?{query}")
            assert (page.status, page.headers["Content-Type"]) == (422, "text/html; charset=utf-8"), query
            assert f"<code>{parameter}</code>" in page.text, query
            assert allowed in text_of(page.text), query


async def test_the_export_form_goes_through_the_same_checks(api: Api) -> None:
    async with browsing(api, "cara") as browser:
        for more, parameter in [
            ({"status": "gone"}, "status"),
            ({"serch": "x"}, "serch"),
            ({"columns": "id,id"}, "columns"),
            ({"filters": '{"all": [], "all": []}'}, "filters"),
        ]:
            answer = await browser.export("open", **more)
            assert (answer.status, f"<code>{parameter}</code>" in answer.text) == (422, True), more
    assert await api.count("jobs") == 0
