"""How our Kafka clients are made: the settings that FastStream and aiokafka get wrong for us by default."""

import logging
import ssl
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from faststream.kafka import KafkaBroker
from faststream.security import SASLScram512

from ticket_export.settings import KafkaSettings
from ticket_export.telemetry import CLIENT_LOGGER

REQUEST_TIMEOUT_MS = 10_000
STOP_SECONDS = 5.0
# What a handler may still take when its subscriber stops; less than the whole, or there is no time left to stop.
HANDLER_SECONDS = 3.0


def _ssl_context(settings: KafkaSettings) -> ssl.SSLContext | None:
    if settings.kafka_security_protocol == "PLAINTEXT":
        return None
    return ssl.create_default_context(cafile=str(settings.kafka_ca_file) if settings.kafka_ca_file else None)


def build_broker(settings: KafkaSettings, *, client_id: str, **more: Any) -> KafkaBroker:
    """Return a FastStream broker that is not started: acks from all replicas, idempotent, no topic made by accident."""
    context = _ssl_context(settings)
    security = (
        SASLScram512(
            username=settings.kafka_sasl_username,
            password=settings.kafka_sasl_password.get_secret_value(),
            use_ssl=True,
            ssl_context=context,
        )
        if context
        else None
    )
    return KafkaBroker(
        settings.kafka_bootstrap_servers.split(","),
        client_id=client_id,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        graceful_timeout=HANDLER_SECONDS,
        security=security,
        logger=logging.getLogger(CLIENT_LOGGER),
        **more,
    )


def _connection(settings: KafkaSettings) -> dict[str, Any]:
    """What every client of aiokafka's own takes."""
    connection: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
    }
    if settings.kafka_security_protocol != "PLAINTEXT":
        connection |= {
            "security_protocol": "SASL_SSL",
            "ssl_context": _ssl_context(settings),
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.kafka_sasl_password.get_secret_value(),
        }
    return connection


def build_admin(settings: KafkaSettings) -> AIOKafkaAdminClient:
    """Return an admin client that is not started."""
    return AIOKafkaAdminClient(**_connection(settings))


def build_consumer(settings: KafkaSettings, topic: str, *, group: str) -> AIOKafkaConsumer:
    """Return a consumer that is not started; it begins where its group stands, and commits when it is told to."""
    return AIOKafkaConsumer(
        topic, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False, **_connection(settings)
    )


def build_producer(settings: KafkaSettings) -> AIOKafkaProducer:
    """Return a producer that is not started: acks from all replicas, idempotent."""
    return AIOKafkaProducer(acks="all", enable_idempotence=True, **_connection(settings))
