"""Counts in DuckDB what the hub is asked for, from the same events: one object of JSON.

Given the file of events and how many turns. Times are milliseconds; reading the file is not part of them.
"""

import json
import sys
import time

import duckdb

FILE, TURNS = sys.argv[1], int(sys.argv[2])

QUESTIONS = {
    # Distinct people of each of the last 28 days, and of the 7 and 28 days that end with it.
    "active": """
        WITH today AS (SELECT max(day) AS day FROM event),
        days AS (SELECT (today.day - back::INTEGER) AS day FROM today, range(28) AS days(back))
        SELECT days.day::VARCHAR,
            count(DISTINCT person) FILTER (event.day = days.day),
            count(DISTINCT person) FILTER (event.day > days.day - 7),
            count(DISTINCT person)
        FROM days JOIN event ON event.day > days.day - 28 AND event.day <= days.day
        GROUP BY days.day
    """,
    # The plain median of days to first value, of those who arrived.
    "median": """
        WITH begun AS (
            SELECT journey, persona, min(time) AS time FROM event
            WHERE kind = 'dev.firstlight.journey.started' GROUP BY ALL),
        arrived AS (
            SELECT journey, min(time) AS time FROM event
            WHERE kind = 'dev.firstlight.first_value.reached' GROUP BY ALL)
        SELECT persona, median(arrived.time - begun.time) / 86400000.0
        FROM begun JOIN arrived USING (journey) GROUP BY persona
    """,
    # Journeys that tried each step, and those in which it failed.
    "failures": """
        SELECT step, count(DISTINCT journey), count(DISTINCT journey) FILTER (state = 'failed')
        FROM event WHERE kind = 'dev.firstlight.step.changed' AND state IN ('running', 'failed') GROUP BY step
    """,
}

database = duckdb.connect()
# It would be drawn among the answers.
database.execute("SET enable_progress_bar = false")
database.execute(
    """
    CREATE TABLE event (person INTEGER, day DATE, time BIGINT, kind VARCHAR, journey UUID, step VARCHAR, state VARCHAR,
        persona VARCHAR);
    COPY event FROM '%s' (FORMAT csv, HEADER false);
    """
    % FILE.replace("'", "''")
)
told = {"answers": {}, "spent": {}}
for name, question in QUESTIONS.items():
    spent = []
    for _ in range(TURNS):
        begun = time.perf_counter()
        rows = database.execute(question).fetchall()
        spent.append((time.perf_counter() - begun) * 1000)
    told["answers"][name] = {row[0]: row[1] if len(row) == 2 else list(row[1:]) for row in rows}
    told["spent"][name] = spent
print(json.dumps(told))
