"""The ticket list: what a view shows, page by page, and who is offered an export of it."""

import pytest

from integration.export_api.browser import Browser, browsing, cells, link, text_of
from integration.export_api.running_api import Api
from local_stack.demo.people import BROKEN_PROMISES, CARAS_PICKUPS

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
