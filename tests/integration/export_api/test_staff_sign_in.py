"""Signing in to the demo, and what keeps other sites from acting in somebody's name."""

import pytest

from integration.export_api.browser import OWN, browsing, text_of
from integration.export_api.running_api import Api
from local_stack.demo.people import ADA


async def test_the_page_offers_the_demos_people_with_what_each_may_do(api: Api) -> None:
    async with browsing(api) as browser:
        page = text_of((await browser.get("/staff/sign-in")).text)

    assert "Demo: anybody can sign in as anybody" in page
    for name, role, request, download in [
        ("Ada Lindqvist", "Administrator", "may:", "may:"),
        ("Bob Meyer", "Administrator", "may not:", "may not:"),
        ("Cara Silva", "Staff member", "may:", "may not:"),
        ("Dan Kowalski", "Staff member", "may not:", "may not:"),
    ]:
        shown = page[page.index(name) :]
        words = (
            f"{name} {role} ✓ {request} Request exports" if request == "may:" else f"{name} {role} – {request} Request"
        )
        assert shown.startswith(words)
        assert shown.index(f"{download} Download files") < 140


async def test_a_session_is_a_cookie_that_scripts_cannot_read(api: Api) -> None:
    async with browsing(api) as browser:
        answer = await browser.sign_in("ada")
        [cookie] = answer.headers.getall("Set-Cookie")  # type: ignore[attr-defined]
        signed_in = await browser.get("/staff/tickets")

    assert (answer.status, answer.headers["Location"], signed_in.status) == (303, "/staff/tickets", 200)
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie  # plain http on loopback
    [audited] = await api.audited("signed_in")
    assert audited["actor_id"] == ADA.id


async def test_a_page_asks_who_it_is_and_goes_on_afterwards(api: Api) -> None:
    async with browsing(api) as browser:
        asked = await browser.get("/staff/tickets?view=all")
        assert asked.headers["Location"] == "/staff/sign-in?next=%2Fstaff%2Ftickets%3Fview%3Dall"
        back = await browser.sign_in("ada", next="/staff/tickets?view=all")
        assert back.headers["Location"] == "/staff/tickets?view=all"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example.com/",
        "//evil.example.com/staff/",
        "/staff/\\evil.example.com",
        "/api/v1/exports",
        "/staff/\r\nX: y",
        "javascript:1",
    ],
)
async def test_nobody_is_sent_elsewhere_after_signing_in(api: Api, elsewhere: str) -> None:
    async with browsing(api) as browser:
        assert (await browser.sign_in("ada", next=elsewhere)).headers["Location"] == "/staff/tickets"


async def test_only_the_demos_people_can_sign_in(api: Api) -> None:
    async with browsing(api) as browser:
        somebody = await api.database.fetchval(
            "SELECT username FROM helpdesk.staff WHERE username NOT IN ('ada','bob','cara','dan')"
        )
        assert [(await browser.sign_in(name)).status for name in (somebody, "nobody")] == [403, 403]
        assert (await browser.post("/staff/sign-in", {})).status == 422


async def test_signing_out_ends_the_session(api: Api) -> None:
    async with browsing(api, "ada") as browser:
        answer = await browser.post("/staff/sign-out", {"csrf_token": await browser.csrf_token()})
        assert (answer.status, answer.headers["Location"]) == (303, "/staff/sign-in")
        assert (await browser.get("/staff/tickets")).status == 303


async def test_a_session_is_no_bearer_token_and_ends_with_the_person(api: Api) -> None:
    async with browsing(api, "cara") as browser:
        cookie = next(iter(browser.http.cookie_jar)).value
        assert (await api.get("/api/v1/views", headers={"Authorization": f"Bearer {cookie}"})).status == 401
        assert (await browser.get("/api/v1/views")).status == 401
        await api.database.execute("UPDATE helpdesk.staff SET is_active = false WHERE username = 'cara'")
        assert (await browser.get("/staff/tickets")).status == 403


async def test_forms_of_other_sites_are_refused(api: Api) -> None:
    async with browsing(api, "cara") as browser:
        token = await browser.csrf_token()
        good = {"view": "open", "csrf_token": token}
        own_host = api.url
        refused = [
            await browser.post("/staff/exports", good, headers={"Sec-Fetch-Site": "cross-site"}),
            await browser.post("/staff/exports", good, headers={"Sec-Fetch-Site": "same-site"}),
            await browser.post("/staff/exports", good, headers={"Sec-Fetch-Site": "cross-site", "Origin": own_host}),
            await browser.post("/staff/exports", good, headers={"Origin": "https://evil.example.com"}),
            await browser.post("/staff/exports", good, headers={"Origin": "null"}),
            await browser.post("/staff/exports", {**good, "csrf_token": "x" * 64}),
            await browser.post("/staff/exports", {**good, "csrf_token": "é"}),
            await browser.post("/staff/sign-out", good, headers={"Sec-Fetch-Site": "cross-site"}),
            await browser.post("/staff/sign-in", {"username": "ada"}, headers={"Sec-Fetch-Site": "cross-site"}),
        ]
        assert [answer.status for answer in refused] == [403] * 9
        assert (await browser.post("/staff/exports", {"view": "open"})).status == 422
        assert await api.count("jobs") == 0
        accepted = [
            await browser.post("/staff/exports", good, headers=OWN),
            await browser.post("/staff/exports", good, headers={"Origin": own_host}),
        ]
        assert [answer.status for answer in accepted] == [303, 303]


async def test_another_sessions_token_does_not_count(api: Api) -> None:
    async with browsing(api, "cara") as first, browsing(api, "cara") as second:
        foreign = {"view": "open", "csrf_token": await first.csrf_token()}
        assert (await second.post("/staff/exports", foreign)).status == 403
