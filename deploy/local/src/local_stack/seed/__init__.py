"""Synthetic tickets by the million, made in PostgreSQL itself."""

from local_stack.seed.seeding import seed_tickets as seed_tickets
