"""A small helpdesk full of awkward values, the same each time, at three moments of its life."""

from support.random_helpdesk.payloads import Payload as Payload
from support.random_helpdesk.payloads import payloads as payloads
from support.random_helpdesk.rows import Rows as Rows
from support.random_helpdesk.rows import random_rows as random_rows
from support.random_helpdesk.rows import unsettled as unsettled
from support.random_helpdesk.writing import loosen as loosen
from support.random_helpdesk.writing import mixed as mixed
from support.random_helpdesk.writing import read_all as read_all
from support.random_helpdesk.writing import write as write
