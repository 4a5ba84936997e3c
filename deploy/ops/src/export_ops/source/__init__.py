"""Versioning of the helpdesk's tables, so that an export can read them as of its request."""
