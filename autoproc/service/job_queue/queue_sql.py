"""What the queue says to SQLite in more than a few words."""

from __future__ import annotations

BY_HAND = 1.0
"""Priority of what was asked for by hand; all else has 0."""

NEXT = """
SELECT id FROM jobs AS waiting
WHERE state = 'queued' AND not_before <= :now
  AND (:only IS NULL OR id IN (SELECT value FROM json_each(:only)))
ORDER BY priority DESC,
  CASE WHEN :newest_visit
    THEN -(SELECT max(completed_at) FROM jobs AS others WHERE others.visit = waiting.visit) ELSE 0 END,
  completed_at, id
LIMIT 1
"""
CLAIM = f"""
UPDATE jobs SET state = 'running', worker = :worker, lease_until = :lease, attempts = attempts + 1, run = run + 1,
  started_at = :now, finished_at = NULL, error = NULL, hint = NULL, retryable = 0, progress = NULL, executor = NULL,
  handle = NULL
WHERE id = ({NEXT}) RETURNING *
"""
MINE = "id = :id AND run = :run AND state = 'running'"
TO_QUEUE = "state = 'queued', worker = NULL, lease_until = NULL, progress = NULL"
PUT_AWAY = "state = 'set_aside', worker = NULL, lease_until = NULL, finished_at = :now, error = :error, hint = :hint"
ANEW = f"{TO_QUEUE}, attempts = 0, crashes = 0, not_before = 0, error = NULL, hint = NULL, retryable = 0"
