"""The topics of an installation."""

from ticket_export.topics import DAY_MS, Topics


def test_names_without_a_prefix() -> None:
    topics = Topics()
    assert (topics.requests, topics.events, topics.progress, topics.audit, topics.dead_letters) == (
        "ticket-export.requests.v1",
        "ticket-export.events.v1",
        "ticket-export.progress.v1",
        "ticket-export.audit.v1",
        "ticket-export.requests.v1.dlq",
    )


def test_a_prefix_stands_before_every_name() -> None:
    plain, other = Topics().all(), Topics("blue.").all()
    assert [topic.name for topic in other] == [f"blue.{topic.name}" for topic in plain]
    assert not {topic.name for topic in plain} & {topic.name for topic in other}


def test_every_topic_has_partitions_and_a_retention() -> None:
    topics = {topic.name: topic for topic in Topics("x-").all()}
    assert len(topics) == 5
    assert all(topic.partitions >= 1 for topic in topics.values())
    assert all(int(topic.config["retention.ms"]) > 0 for topic in topics.values())


def test_progress_is_short_lived_and_dead_letters_are_not() -> None:
    topics = {topic.name: int(topic.config["retention.ms"]) for topic in Topics().all()}
    assert topics[Topics().progress] < DAY_MS
    assert topics[Topics().dead_letters] > topics[Topics().requests]
