"""Many tickets, quickly, by the host application's own INSERT."""

from support.installation import Installation

FIRST_ID = 50_000_000


async def add_tickets(installation: Installation, number: int, *, title: str = "Ticket", same_instant: int = 0) -> None:
    """Insert tickets one second apart; the newest ``same_instant`` of them share one creation time."""
    connection = await installation.connect(installation.helpdesk_url)
    try:
        await connection.execute(
            """
            INSERT INTO helpdesk.tickets (id, title, status, priority, creation_time)
            SELECT $1::bigint + n, $2::text || ' ' || n, 'new', 'moderate',
                   timestamptz '2020-01-01 00:00:00Z' + make_interval(secs => least(n, $3 - $4))
            FROM generate_series(1, $3::int) AS n
            """,
            FIRST_ID,
            title,
            number,
            same_instant,
        )
        await connection.execute("ANALYZE helpdesk.tickets")
    finally:
        await connection.close()
