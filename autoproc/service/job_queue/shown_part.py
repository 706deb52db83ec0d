"""A queue of which somebody may see a part: on his connection, all that asks for sweeps finds those alone.

The tables' names stand for views of them there, so that nothing which asks has to think of it: lists, numbers, changes
and the names that are suggested for one that is not there. Nothing can be changed through such a connection.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeAlias

from autoproc.service.job_queue.job import sql_read

MEMBERS = "json_each(iif(json_valid({job}.result), {job}.result, 'null'), '$.members')"
IS_GROUP_SHOWN = f"""
EXISTS (SELECT 1 FROM {MEMBERS}) AND NOT EXISTS (
    SELECT 1 FROM {MEMBERS} AS member LEFT JOIN main.jobs AS own ON own.name = member.key
    WHERE own.id IS NULL OR NOT is_shown(own.path, own.first_image, own.last_image))
"""
RESULT = f"""
CASE WHEN NOT json_valid(every.result) OR json_extract(every.result, '$.group') IS NULL THEN every.result
    WHEN EXISTS (SELECT 1 FROM main.jobs AS whole WHERE whole.name = json_extract(every.result, '$.group.name')
        AND {IS_GROUP_SHOWN.format(job="whole")}) THEN every.result
    ELSE json_remove(every.result, '$.group') END
"""
"""A sweep's result, without how it stands in a group that is not shown."""
IS_OF_SHOWN_GROUP = f"""
EXISTS (SELECT 1 FROM main.jobs AS whole
    WHERE whole.name = json_extract(event.value, '$.group') AND {IS_GROUP_SHOWN.format(job="whole")})
"""
STORY = f"""
CASE WHEN NOT json_valid(every.story) THEN every.story ELSE (
    SELECT json_group_array(iif(event.type IN ('object', 'array'), json(event.value), json_quote(event.value)))
    FROM json_each(every.story) AS event
    WHERE CASE WHEN event.type IS NOT 'object' OR json_extract(event.value, '$.event') IS NOT 'group' THEN 1
        ELSE {IS_OF_SHOWN_GROUP} END) END
"""
"""A sweep's story, without what it has of groups that are not shown."""
PARTLY = {"result": RESULT, "story": STORY}
"""Columns of which not all is shown."""
VIEWS = f"""
CREATE TEMP VIEW jobs AS SELECT {{columns}} FROM main.jobs AS every WHERE CASE every.kind WHEN 'combined'
    THEN {IS_GROUP_SHOWN.format(job="every")}
    ELSE is_shown(every.path, every.first_image, every.last_image) END;
CREATE TEMP VIEW arriving AS SELECT rowid AS rowid, * FROM main.arriving WHERE is_shown(path, NULL, NULL);
CREATE TEMP VIEW programs AS SELECT program, '[]' AS watches, beat_at, 0 AS n_more FROM main.programs;
CREATE TEMP VIEW changes AS SELECT number,
    CASE WHEN job_id IN (SELECT id FROM temp.jobs WHERE id = job_id) THEN job_id ELSE 0 END AS job_id
    FROM main.changes;
"""
"""A group is shown where all that it was made of is; one that is not made yet, to nobody who sees a part. Changes of
what is not shown remain as numbers, so that the last of them is found at once."""


IsShown: TypeAlias = Callable[[str, int | None, int | None], bool]
"""Of a sweep's path (template or master file), and the numbers of its first and last image where they are known."""
TABLES = ("jobs", "arriving", "programs", "changes")
"""Not to be read but through the views."""


def show_part(db: sqlite3.Connection, is_shown: IsShown) -> None:
    """From now on the connection shows only sweeps for which this is so."""
    db.create_function("is_shown", 3, lambda path, first, last: is_shown(sql_read(path), _number(first), _number(last)))
    db.execute("PRAGMA temp_store = MEMORY")  # to change it later would take the views away
    names = [row["name"] for row in db.execute("PRAGMA main.table_info(jobs)")]
    columns = [f"{PARTLY.get(name, f'every.{name}')} AS {name}" for name in names]
    db.executescript(VIEWS.format(columns=", ".join(columns)))
    db.set_authorizer(_by_views_alone)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _by_views_alone(action: int, table: str | None, _: str | None, place: str | None, view: str | None) -> int:
    """Whatever becomes of the views, what is behind them stays there."""
    is_past_views = action == sqlite3.SQLITE_READ and place == "main" and table in TABLES and view is None
    return sqlite3.SQLITE_DENY if is_past_views else sqlite3.SQLITE_OK
