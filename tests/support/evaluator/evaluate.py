"""The tickets of a payload in order, and their cells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from support.evaluator.columns import cell, header_of, tags_of
from support.evaluator.conditions import satisfies
from support.evaluator.helpdesk import Helpdesk, Tables, person_name
from support.evaluator.order import ordered
from support.evaluator.scopes import in_scope, is_found, passes_quick_filters
from support.evaluator.strings import Database, Strings, texts_in
from support.evaluator.view import View


@dataclass(frozen=True)
class Outcome:
    """Ids in the order of the file; header and cells as they are once the file has been parsed, empty for no value."""

    ids: list[int]
    header: list[str]
    rows: list[list[str]]


class Evaluator:
    """Judges payloads over the rows that a helpdesk had at one moment."""

    def __init__(self, tables: Tables, database: Database) -> None:
        self.desk = Helpdesk.from_tables(tables)
        self._strings = Strings(database)
        self._strings.learn(_texts_of(self.desk))
        self._strings.rank_all()

    def view(self, payload: Mapping[str, Any], requested_at: datetime) -> View:
        """A payload, ready to be judged."""
        self._strings.learn({text for found in texts_in(payload) for text in (found, found.strip(" "))})
        return View(self.desk, self._strings, payload, requested_at)

    def evaluate(self, payload: Mapping[str, Any], requested_at: datetime) -> Outcome:
        """Work out the whole file."""
        view = self.view(payload, requested_at)
        tickets = ordered(
            view,
            [
                ticket
                for ticket in self.desk.tickets
                if ticket["deleted_at"] is None
                and in_scope(view, ticket)
                and passes_quick_filters(view, ticket)
                and satisfies(view, ticket)
                and is_found(view, ticket)
            ],
        )
        return Outcome(
            ids=[ticket["id"] for ticket in tickets],
            header=[header_of(view, name) for name in view.columns],
            rows=[[cell(view, ticket, name) for name in view.columns] for ticket in tickets],
        )


def _texts_of(desk: Helpdesk) -> Iterator[str]:
    """Every text that may be compared or ordered."""
    yield ""
    for rows in (desk.statuses, desk.priorities, desk.languages, desk.teams):
        yield from texts_in(list(rows.values()))
    for people in (desk.staff, desk.contacts):
        yield from texts_in(list(people.values()))
        yield from map(person_name, people.values())
    for ticket in desk.tickets:
        yield from texts_in(ticket)
        yield ", ".join(tags_of(ticket))
