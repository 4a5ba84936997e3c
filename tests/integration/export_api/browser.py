"""What a browser does with the staff pages: cookies, forms, and the headers that tell where a request comes from."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlsplit

import aiohttp

from integration.export_api.running_api import Answer, Api

OWN = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html,*/*"}


@dataclass
class Browser:
    """One person's browser."""

    api: Api
    http: aiohttp.ClientSession
    page: Answer = field(init=False)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._send("GET", path, {**OWN, **headers})

    async def post(self, path: str, form: dict[str, str], *, headers: dict[str, str] | None = None) -> Answer:
        return await self._send("POST", path, OWN if headers is None else headers, form)

    async def sign_in(self, username: str, **more: str) -> Answer:
        return await self.post("/staff/sign-in", {"username": username, **more})

    async def csrf_token(self) -> str:
        """Read the token from a page."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', (await self.get("/staff/exports")).text)
        assert found is not None
        return found[1]

    async def export(self, view: str, **more: str) -> Answer:
        return await self.post("/staff/exports", {"view": view, **more, "csrf_token": await self.csrf_token()})

    async def _send(
        self, method: str, path: str, headers: dict[str, str], form: dict[str, str] | None = None
    ) -> Answer:
        address = self.api.url + path
        async with self.http.request(method, address, headers=headers, data=form, allow_redirects=False) as answer:
            self.page = Answer(answer.status, answer.headers, await answer.text())
        return self.page


@asynccontextmanager
async def browsing(api: Api, username: str | None = None) -> AsyncIterator[Browser]:
    """Open a browser, signed in as somebody."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        browser = Browser(api, http)
        if username:
            assert (await browser.sign_in(username)).status == 303
        yield browser


def text_of(page: str) -> str:
    """Return what a person reads, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def cells(page: str, column: str) -> list[str]:
    """Return one column of the ticket table."""
    return [text_of(cell) for cell in re.findall(rf'<td class="[^"]*is-{column}"[^>]*>(.*?)</td>', page, re.DOTALL)]


def link(page: str, label: str) -> str | None:
    """Return where a link leads."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]*>{re.escape(label)}</a>', page)
    if found is None:
        return None
    address = urlsplit(unescape(found[1]))
    return address.path + (f"?{address.query}" if address.query else "")


def fields_of(page: str, action: str, *, method: str = "post") -> dict[str, str]:
    """Return what the form to that address would send as it stands: its inputs and the chosen options."""
    found = re.search(rf'<form[^>]*method="{method}" action="{re.escape(action)}".*?</form>', page, re.DOTALL)
    assert found is not None, f"no form to {action}"
    sent = {}
    for tag in re.findall(r"<input [^>]*>", found[0]):
        values = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        sent[unescape(values["name"])] = unescape(values["value"])
    for name, options in re.findall(r'<select name="(\w+)">(.*?)</select>', found[0], re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        assert chosen is not None, f"no choice of {name}"
        sent[name] = unescape(chosen[1])
    return sent
