"""Who may export and who may download."""

from uuid import UUID

import pytest

from ticket_export.permissions import Person, SystemPermissions


def person(*, is_admin: bool, permissions: int) -> Person:
    return Person(UUID(int=1), "ada", "Ada", is_admin, SystemPermissions(permissions), (), ())


@pytest.mark.parametrize(
    ("is_admin", "permissions", "may_export", "may_download"),
    [
        (True, 512, True, True),
        (True, 1023, True, True),
        (True, 511, False, False),
        (True, 0, False, False),
        (False, 512, True, False),
        (False, 1023, True, False),
        (False, 0, False, False),
    ],
)
def test_rights(*, is_admin: bool, permissions: int, may_export: bool, may_download: bool) -> None:
    someone = person(is_admin=is_admin, permissions=permissions)
    assert (someone.may_export, someone.may_download) == (may_export, may_download)


def test_the_flags_are_those_of_the_helpdesk() -> None:
    assert {flag.name: flag.value for flag in SystemPermissions} == {
        "MANAGE_SETTINGS": 1,
        "MANAGE_AUDIT_LOGS": 2,
        "MANAGE_ADMINISTRATORS": 4,
        "MANAGE_TEMPLATES": 8,
        "MANAGE_USERS": 16,
        "MANAGE_TEAMS": 32,
        "MANAGE_TICKETS": 64,
        "MANAGE_REPORTS": 128,
        "MANAGE_SYSTEM_VIEWS": 256,
        "IMPORT_EXPORT_TICKETS": 512,
    }
