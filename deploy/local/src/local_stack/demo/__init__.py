"""A helpdesk with real tickets that change while they are exported."""

from local_stack.demo.helpdesk import prepare_helpdesk as prepare_helpdesk
from local_stack.demo.replay import Replay as Replay
