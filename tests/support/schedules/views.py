"""Random views that between them read every table that the compiler can read."""

import random
from typing import Any

from ticket_export.views.columns import COLUMNS
from ticket_export.views.payload import ViewPayload, load_payload
from ticket_export.views.scopes import SCOPES
from ticket_export.views.sorts import NAMED_SORTS, SORTS

# Each asks something of another table, or of a column that the writers change.
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"field": "title", "operator": "not_contains", "value": "zebra"},
    {"field": "description", "operator": "is_not_empty"},
    {"field": "tags", "operator": "contains", "value": "a"},
    {"field": "contact.first_name", "operator": "neq", "value": "nobody"},
    {"field": "contact.email", "operator": "contains", "value": "@"},
    {"field": "contact_id", "operator": "is_not_empty"},
    {"field": "status", "operator": "is", "value": "__OPEN__"},
    {"field": "status", "operator": "is_none_of", "value": ["new", "closed"]},
    {"field": "status_type", "operator": "is", "value": "open"},
    {"field": "language", "operator": "is", "value": "en"},
    {"field": "priority", "operator": "gte", "value": "moderate"},
    {"field": "priority", "operator": "lt", "value": "critical"},
    {"field": "sla_status", "operator": "is_not", "value": "breached"},
    {"field": "assignee_id", "operator": "is_not_empty"},
    {"field": "owning_team_id", "operator": "is_not_empty"},
    {"field": "creation_time", "operator": "is_before", "value": "today"},
    {"field": "last_modification_time", "operator": "is_within_past", "value": {"amount": 200, "unit": "months"}},
    {"field": "sla_breached", "operator": "is_false"},
    {"field": "has_attachments", "operator": "is_true"},
    {"field": "has_attachments", "operator": "is_false"},
    {"field": "has_comments", "operator": "is_true"},
    {"field": "has_comments", "operator": "is_false"},
    {"field": "has_tasks", "operator": "is_true"},
    {"field": "has_incomplete_tasks", "operator": "is_true"},
    {"field": "has_incomplete_tasks", "operator": "is_false"},
    {"field": "is_snoozed", "operator": "is_false"},
    {"field": "custom.location", "operator": "is_not_empty"},
)
CUSTOM_FIELDS = {"location": {"label": "Location", "type": "text"}}


def random_view(dice: random.Random, *, requester_id: str, team_ids: list[str]) -> ViewPayload:
    """Return a view with id and title among its columns, so that a change of a title shows."""
    others = dice.sample([*sorted(set(COLUMNS) - {"id", "title"}), "custom.location"], dice.randint(1, 12))
    payload = {
        "version": 2,
        "scope": dice.choice(["all", "all", *SCOPES]),
        "columns": ["id", "title", *others],
        "filters": [
            {"all": dice.sample(CONDITIONS, dice.randint(0, 2)), "any": dice.sample(CONDITIONS, dice.choice([0, 0, 2]))}
        ],
        "search": dice.choice([None, None, "a", "i"]),
        "sort": _random_sort(dice),
        "time_zone": dice.choice(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
        "profile": dice.choice(["spreadsheet", "machine"]),
        "delimiter": dice.choice([",", ";", "\t"]),
        "requester_id": requester_id,
        "requester_team_ids": team_ids,
        "custom_fields": CUSTOM_FIELDS,
    }
    return load_payload(ViewPayload.model_validate(payload).model_dump_json())


def _random_sort(dice: random.Random) -> list[dict[str, str]]:
    if dice.random() < 0.6:
        # Most views: the order that is read in pages.
        levels = NAMED_SORTS[dice.choice(["newest", "oldest"])]
        return [{"field": field, "direction": direction} for field, direction in levels]
    fields = dice.sample(sorted(SORTS), dice.randint(1, 3))
    return [{"field": field, "direction": dice.choice(["asc", "desc"])} for field in fields]
