"""The outbox's way to Kafka: ``relay`` leads and loops, ``publishing`` sends one batch, ``sorting`` judges it."""

from export_api.relay.relay import Relay as Relay
