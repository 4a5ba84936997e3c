from functools import reduce
from operator import or_

import pytest

from local_stack.demo.people import ADA, BOB, CARA, DAN, PEOPLE, ROLES, VIEWS, DemoPerson
from ticket_export.permissions import SystemPermissions


def permissions(person: DemoPerson) -> SystemPermissions:
    return reduce(or_, (role.permissions for role in person.roles))


@pytest.mark.parametrize(
    ("person", "is_admin", "may_export"),
    [(ADA, True, True), (BOB, True, False), (CARA, False, True), (DAN, False, False)],
)
def test_each_combination_of_the_two_rights_has_a_person(
    person: DemoPerson, *, is_admin: bool, may_export: bool
) -> None:
    assert person.is_admin == is_admin
    assert (SystemPermissions.IMPORT_EXPORT_TICKETS in permissions(person)) == may_export


def test_only_administrators_may_read_the_audit() -> None:
    readers = [person for person in PEOPLE if SystemPermissions.MANAGE_AUDIT_LOGS in permissions(person)]
    assert readers == [ADA, BOB]


def test_ids_are_fixed_and_distinct() -> None:
    things = (*PEOPLE, *ROLES, *VIEWS)
    assert len({thing.id for thing in things}) == len(things)
    assert str(ADA.id) == "00000000-0000-0000-0000-000000000101"
    assert [view.owner for view in VIEWS] == [None, None, CARA, None, None, None]


def test_permissions_fit_the_helpdesks_integer() -> None:
    assert all(0 < int(role.permissions) < 1024 for role in ROLES)
