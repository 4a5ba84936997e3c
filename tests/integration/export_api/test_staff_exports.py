"""From the button to the file in a browser: the status page, its moving part, the list, the download."""

from uuid import UUID

from integration.export_api.browser import browsing, text_of
from integration.export_api.running_api import Api
from local_stack.demo.people import CARA


async def move(api: Api, change: str) -> None:
    await api.database.execute(f"UPDATE exports.jobs SET {change}")


async def test_the_button_makes_a_job_and_leads_to_its_page(api: Api) -> None:
    async with browsing(api, "cara") as browser:
        answer = await browser.export("overdue")
        job = await api.database.fetchrow("SELECT * FROM exports.jobs")
        assert job is not None
        assert (answer.status, answer.headers["Location"]) == (303, f"/staff/exports/{job['id']}")
        assert (job["requester_id"], job["view_id"]) == (CARA.id, "overdue")
        page = await browser.get(answer.headers["Location"])
        assert (page.status, "Waiting for a worker" in page.text, "Overdue tickets" in page.text) == (200, True, True)
        # Without the script the page loads itself anew.
        assert '<noscript><meta http-equiv="refresh"' in page.text


async def test_without_the_permission_the_form_is_refused(api: Api) -> None:
    async with browsing(api, "dan") as browser:
        answer = await browser.export("open")
    assert (answer.status, "Not allowed" in answer.text) == (403, True)
    assert len(await api.audited("request_denied")) == 1


async def test_the_moving_part_follows_the_job(api: Api) -> None:
    job_id = await api.new_job("ada")
    seen: list[str] = []
    async with browsing(api, "ada") as browser:
        for change in (
            "status = 'queued'",
            "status = 'running', stage = 'counting', started_at = clock_timestamp() - interval '10 s'",
            "stage = 'exporting', rows_total = 1000, rows_done = 250",
            "stage = 'uploading', rows_done = 1000",
        ):
            await move(api, change)
            part = await browser.get(f"/staff/exports/{job_id}/progress")
            assert part.status == 200
            assert "<html" not in part.text
            assert "data-ended" not in part.text
            [current] = [line for line in part.text.splitlines() if 'aria-current="step"' in line]
            seen.append(text_of(current) + " | " + text_of(part.text.partition("</ol>")[2]))
        await api.complete(job_id)
        done = (await browser.get(f"/staff/exports/{job_id}/progress")).text

    assert seen[0].startswith("Queued | Waiting for a worker")
    assert seen[1].startswith("Counting | Counting tickets")
    assert "Exporting | Writing the file" in seen[2]
    assert "250 of 1,000 rows · 24 % · about 30 s left" in seen[2] or "about 31 s left" in seen[2]
    assert "Uploading | Finishing the upload" in seen[3]
    assert "data-ended" in done
    assert f'data-autostart="/api/v1/exports/{job_id}/download"' in done


async def test_the_download_starts_by_itself_for_its_requester_and_soon_only(api: Api) -> None:
    job_id = await api.new_job("cara")
    await api.complete(job_id)
    path = f"/staff/exports/{job_id}"
    async with browsing(api, "cara") as requester, browsing(api, "ada") as admin:
        requesters, admins = (await requester.get(path)).text, (await admin.get(path)).text

        assert "Download CSV" not in requesters
        assert "Only an administrator" in requesters
        assert "data-autostart" not in requesters
        assert "Download CSV" in admins
        assert "data-autostart" not in admins  # not theirs: they press the button
        await api.database.execute(
            "UPDATE exports.jobs SET requester_id = (SELECT id FROM helpdesk.staff WHERE username = 'ada')"
        )
        assert "data-autostart" in (await admin.get(path)).text
        await move(api, "completed_at = completed_at - interval '1 h'")
        assert "data-autostart" not in (await admin.get(path)).text


async def test_a_browser_downloads_by_its_session(api: Api) -> None:
    job_id = await api.new_job("ada")
    await api.complete(job_id, content=b"id\n7\n")
    path = f"/api/v1/exports/{job_id}/download"
    async with browsing(api, "ada") as browser:
        answer = await browser.get(path)
        async with api.http.get(answer.headers["Location"]) as file:
            assert (answer.status, await file.read()) == (303, b"id\n7\n")
        refused = [
            (await browser.get(path, **{"Sec-Fetch-Site": site})).status for site in ("cross-site", "same-site", "")
        ]
        assert refused == [403, 403, 403]
        assert (await browser.get(path, **{"Sec-Fetch-Site": "none"})).status == 303
    async with browsing(api, "bob") as browser:
        page = await browser.get(path)
        assert (page.status, "Export not found" in page.text) == (404, True)
    async with browsing(api) as browser:
        assert (await browser.get(path)).status == 401


async def test_a_failure_shows_its_words_and_its_reference(api: Api) -> None:
    job_id = await api.new_job("cara")
    await move(api, "status = 'failed', error_code = 'x', error_message = 'No <room> left.', error_reference = 'ref-7'")
    async with browsing(api, "cara") as browser:
        page = (await browser.get(f"/staff/exports/{job_id}")).text

    assert "No <room> left." in text_of(page)
    assert "<room>" not in page
    assert "ref-7" in page
    assert "data-ended" in page


async def test_other_peoples_exports_are_not_found(api: Api) -> None:
    job_id = await api.new_job("cara")
    for user in ("bob", "dan"):
        async with browsing(api, user) as browser:
            for path in (f"/staff/exports/{job_id}", f"/staff/exports/{job_id}/progress", "/staff/exports/nonsense"):
                assert (await browser.get(path)).status == 404


async def test_the_list_has_own_exports_or_everyones_with_names_in_pages(api: Api) -> None:
    for user in ("cara", "ada", "cara"):
        await api.new_job(user)
    async with browsing(api, "dan") as browser:
        assert "There are no exports yet." in text_of((await browser.get("/staff/exports")).text)
    async with browsing(api, "cara") as browser:
        page = (await browser.get("/staff/exports")).text
        assert (page.count('class="job"'), "Cara Silva" in page.partition("<main")[2]) == (2, False)
    async with browsing(api, "ada") as browser:
        page = (await browser.get("/staff/exports")).text
        assert (page.count('class="job"'), page.partition("<main")[2].count("Cara Silva")) == (3, 2)


async def test_pages_and_files_come_with_a_strict_policy(api: Api) -> None:
    job_id: UUID = await api.new_job("ada")
    async with browsing(api, "ada") as browser:
        for path in (
            "/staff/sign-in",
            "/staff/tickets",
            "/staff/exports",
            f"/staff/exports/{job_id}",
            "/staff/exports/none",
        ):
            page = await browser.get(path)
            policy = page.headers["Content-Security-Policy"]
            assert "script-src 'self'; style-src 'self'" in policy
            assert "unsafe" not in policy
            assert "<style" not in page.text
            assert " style=" not in page.text
            assert " on" not in [
                attribute[:3] for attribute in page.text.split('"')[::2] if attribute.startswith(" on")
            ]
        style = await browser.get("/static/site.css")
        home = await browser.get("/")
    assert (style.status, "immutable" in style.headers["Cache-Control"]) == (200, True)
    assert (home.status, home.headers["Location"]) == (303, "/staff/tickets")
