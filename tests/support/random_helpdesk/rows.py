"""Random rows of every table that a view reads; values are dealt, so that each of them occurs."""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, TypeVar

from support.random_helpdesk import vocabulary as words
from support.random_helpdesk.moments import MAIN_INSTANTS, MOVED_INSTANTS, OTHER_INSTANTS

Row = dict[str, Any]
Rows = dict[str, list[Row]]
T = TypeVar("T")


class Dealer:
    """Deals values like cards: each comes once before any comes again."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - the same each time

    def deal(self, *stacks: Iterable[T]) -> Iterator[T]:
        """Every card of every stack, shuffled, again and again."""
        cards = list(chain.from_iterable(stacks))
        while True:
            self.dice.shuffle(cards)
            yield from cards

    def most(self, items: Sequence[T], share: float) -> list[T]:
        """That share of the items, in order."""
        kept = set(self.dice.sample(range(len(items)), round(len(items) * share)))
        return [item for place, item in enumerate(items) if place in kept]


def random_rows(seed: int) -> Rows:
    """The tables' rows; some that others refer to are missing."""
    dealer = Dealer(seed)
    tickets = dealer.most(words.TICKETS, 0.85)
    return {
        "statuses": [
            {"developer_name": name, "label": label, "status_type": kind, "sort_order": order}
            for name, (label, kind, order) in words.STATUSES.items()
        ],
        "priorities": [
            {"developer_name": name, "label": label, "sort_order": order}
            for name, (label, order) in words.PRIORITIES.items()
        ],
        "languages": [{"developer_name": name, "label": label} for name, label in words.LANGUAGES.items()],
        "custom_fields": [{"key": key, "label": label, "type": kind} for key, label, kind in words.CUSTOM_FIELDS],
        "teams": _teams(dealer),
        "staff": _staff(dealer),
        "team_members": [
            {"team_id": team, "staff_id": person} for person in words.STAFF for team in dealer.most(words.TEAMS, 0.4)
        ],
        "contacts": _contacts(dealer),
        "tickets": _tickets(dealer, tickets),
        "ticket_tasks": _tasks(dealer, tickets),
        "comments": [
            {"id": number, "ticket_id": ticket, "author_id": words.STAFF[0], "body": "x"}
            for number, ticket in enumerate(dealer.most(tickets, 0.4), start=1)
        ],
        "attachments": [
            {"id": number, "ticket_id": ticket, "file_name": "x.txt"}
            for number, ticket in enumerate(dealer.most(tickets, 0.3), start=1)
        ],
        "followers": [
            {"ticket_id": ticket, "staff_id": person} for person in words.STAFF for ticket in dealer.most(tickets, 0.5)
        ],
    }


def unsettled(rows: Rows, seed: int) -> Rows:
    """The same with other labels and orders, and with the rows that were missing."""
    dice = random.Random(seed)  # noqa: S311 - the same each time
    names = (("statuses", words.STATUS_WITHOUT_ROW), ("priorities", words.PRIORITY_WITHOUT_ROW))
    result = dict(rows)
    for table, missing in (*names, ("languages", words.LANGUAGE_WITHOUT_ROW)):
        others = dice.sample(rows[table], len(rows[table]))
        pairs = zip(rows[table], others, strict=True)
        result[table] = [{**other, "developer_name": row["developer_name"]} for row, other in pairs]
        result[table].append({**rows[table][0], "developer_name": missing, "label": "Not there yet"})
    result["teams"] = [*rows["teams"], {"id": words.TEAMS[-1], "name": "Not there yet"}]
    result["staff"] = [*rows["staff"], {**rows["staff"][1], "id": words.STAFF[-1], "username": "new"}]
    result["contacts"] = [*rows["contacts"], {**rows["contacts"][0], "id": words.CONTACTS[-1]}]
    return result


def _teams(dealer: Dealer) -> list[Row]:
    names = dealer.deal(words.TEAM_NAMES)
    return [{"id": team, "name": next(names)} for team in words.TEAMS[:-1]]


def _staff(dealer: Dealer) -> list[Row]:
    names = dealer.deal(words.TEXTS, [None] * 10)
    people = [
        {"id": person, "username": f"staff{number}", "first_name": next(names), "last_name": next(names)}
        for number, person in enumerate(words.STAFF[:-1])
    ]
    # One without a name, two who share one.
    people[0] |= {"first_name": None, "last_name": None}
    people[1] |= {"first_name": " Ada ", "last_name": "Lovelace "}
    people[2] |= {"first_name": " Ada ", "last_name": "Lovelace "}
    return people


def _contacts(dealer: Dealer) -> list[Row]:
    fields = ("first_name", "last_name", "email", "phone", "organization_account")
    decks = {name: dealer.deal(words.TEXTS, [None] * 8) for name in fields}
    deleted = dealer.deal([None] * 7, MAIN_INSTANTS[:1])
    contacts = [
        {"id": contact, **{name: next(deck) for name, deck in decks.items()}, "deleted_at": next(deleted)}
        for contact in dealer.most(words.CONTACTS[:-1], 0.9)
    ]
    # Of two it is certain what they hold.
    contacts[-1] |= dict.fromkeys(fields, "Refund") | {"deleted_at": None}
    contacts[-2] |= dict.fromkeys((*fields, "deleted_at"))
    return contacts


def _tickets(dealer: Dealer, ids: list[int]) -> list[Row]:
    titles = dealer.deal(words.TEXTS)
    texts = {name: dealer.deal(words.TEXTS, [None] * 10) for name in ("description", "category")}
    names = {
        "status": dealer.deal([*words.STATUSES, words.STATUS_WITHOUT_ROW] * 2, ["new", "closed", None]),
        "priority": dealer.deal(words.PRIORITIES, [words.PRIORITY_WITHOUT_ROW, None]),
        "language": dealer.deal(words.LANGUAGES, [words.LANGUAGE_WITHOUT_ROW, None]),
        "sla_status": dealer.deal(words.SLA_STATUSES, [None]),
        "owning_team_id": dealer.deal(words.TEAMS, [None] * 4),
        "assignee_id": dealer.deal(words.STAFF, [None] * 5),
        "created_by_staff_id": dealer.deal(words.STAFF, [None]),
        "contact_id": dealer.deal(words.CONTACTS, [None] * 9),
    }
    creation = dealer.deal(MAIN_INSTANTS[::2], MAIN_INSTANTS[::2], OTHER_INSTANTS[::5])
    optional = ("last_modification_time", "closed_at", "resolved_at", "sla_due_at", "sla_breached_at", "snoozed_until")
    times = {name: dealer.deal(MAIN_INSTANTS, OTHER_INSTANTS[::6], [None] * 25) for name in optional}
    deleted = dealer.deal([None] * 9, MAIN_INSTANTS[:1])
    custom = _custom(dealer)
    tickets = [
        {
            "id": ticket,
            "title": next(titles),
            **{name: next(deck) for name, deck in chain(texts.items(), names.items(), times.items())},
            "tags": dealer.dice.choices((*words.TAGS, None), k=dealer.dice.choice((0, 0, 1, 2, 3))),
            "creation_time": next(creation),
            "deleted_at": next(deleted),
            "custom": next(custom),
        }
        for ticket in ids
    ]
    for ticket, instant in zip(tickets, MOVED_INSTANTS, strict=False):
        ticket |= {"creation_time": instant, "deleted_at": None}
    return tickets


def _custom(dealer: Dealer) -> Iterator[str]:
    """JSON objects of which each field is missing now and then, or of another type than it should be."""
    texts = [_quoted(text) for text in words.TEXTS]
    stray = list(chain.from_iterable(words.CUSTOM_VALUES.values()))
    decks = {
        key: dealer.deal((words.CUSTOM_VALUES.get(kind) or texts) * 2, dealer.dice.sample(stray, 10), [None] * 8)
        for key, _, kind in words.CUSTOM_FIELDS
    }
    decks |= {key: dealer.deal(texts, [None] * 8) for key in words.AWKWARD}
    while True:
        dealt = {key: next(deck) for key, deck in decks.items()}
        yield "{" + ", ".join(f"{_quoted(key)}: {value}" for key, value in dealt.items() if value is not None) + "}"


def _quoted(text: str) -> str:
    return json.dumps(text)


def _tasks(dealer: Dealer, tickets: list[int]) -> list[Row]:
    closed, deleted = dealer.deal([True, True, False]), dealer.deal([None, None, None, MAIN_INSTANTS[0]])
    owners = [ticket for ticket in dealer.most(tickets, 0.6) for _ in range(dealer.dice.randint(1, 3))]
    return [
        {"id": number, "ticket_id": ticket, "title": "t", "is_closed": next(closed), "deleted_at": next(deleted)}
        for number, ticket in enumerate(owners, start=1)
    ]
