-- One row a sweep. Times are seconds since 1970.
CREATE TABLE IF NOT EXISTS jobs (
    id           INTEGER PRIMARY KEY,
    fingerprint  TEXT NOT NULL UNIQUE,       -- of the images, the same wherever and whenever they are listed
    name         TEXT NOT NULL UNIQUE,       -- of the folder of results
    path         TEXT NOT NULL,              -- template with #, or master file
    kind         TEXT NOT NULL,              -- cbf, hdf5, smv, marccd, edf, tiff, bruker, unknown; combined: several sweeps
    first_image  INTEGER,                    -- NULL: all that there are
    last_image   INTEGER,
    n_images     INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN
                     ('queued', 'running', 'processed', 'failed', 'cancelled', 'set_aside', 'listed', 'not_combined')),
    partial      TEXT NOT NULL DEFAULT '',   -- why not all images are there; '' where they are
    visit        TEXT NOT NULL DEFAULT '',   -- the directory watched under which it was found
    priority     REAL NOT NULL DEFAULT 0,    -- raised for what was asked for by hand
    attempts     INTEGER NOT NULL DEFAULT 0, -- begun since it was queued
    crashes      INTEGER NOT NULL DEFAULT 0, -- workers lost since it was queued
    run          INTEGER NOT NULL DEFAULT 0, -- begun ever: the number of its work folder
    worker       TEXT,                       -- the program that has it: machine:pid:start
    lease_until  REAL,                       -- grows while the program is heard; by its clock: others see that it moves
    not_before   REAL NOT NULL DEFAULT 0,
    found_at     REAL NOT NULL,
    completed_at REAL NOT NULL,              -- the last image's arrival
    asked_at     REAL,                       -- when somebody asked for it; NULL: it was found by watching
    started_at   REAL,
    finished_at  REAL,
    base         TEXT,                       -- settings given with the sweep's name; NULL: the program's
    parameters   TEXT NOT NULL DEFAULT '{}', -- key=value on top of those, of `autoproc reprocess`
    settings     TEXT,                       -- parameters that the results were made with
    error        TEXT,
    hint         TEXT,
    retryable    INTEGER NOT NULL DEFAULT 0,
    result       TEXT,                       -- what the status table shows
    story        TEXT NOT NULL DEFAULT '[]', -- what happened to it, in order
    progress     TEXT,                       -- what its worker is at, or where it waits
    executor     TEXT,                       -- who carries it out where that outlives the program; NULL: its own workers
    handle       TEXT                        -- what that calls it, such as the number of a job at Slurm
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, not_before);
CREATE INDEX IF NOT EXISTS jobs_by_visit ON jobs (visit, completed_at);
CREATE INDEX IF NOT EXISTS jobs_by_path ON jobs (path);
CREATE TABLE IF NOT EXISTS programs (
    program      TEXT PRIMARY KEY,           -- machine:pid:start of an `autoproc run` at work on this queue
    watches      TEXT NOT NULL,              -- directories, as a JSON list
    beat_at      REAL NOT NULL,              -- grows while it is heard; by its clock
    n_more       INTEGER NOT NULL DEFAULT 0  -- sweeps that it sees coming beside those of the table arriving
);
CREATE TABLE IF NOT EXISTS arriving (
    program      TEXT NOT NULL,              -- that sees it come
    path         TEXT NOT NULL,              -- template with #, or master file
    name         TEXT NOT NULL,
    n_images     INTEGER NOT NULL,
    words        TEXT NOT NULL,              -- what lacks, and what is waited for
    until        REAL                        -- when it is processed at the latest if nothing more comes
);
CREATE TABLE IF NOT EXISTS changes (
    job_id       INTEGER PRIMARY KEY,        -- a sweep's number; 0: what is arriving
    number       INTEGER NOT NULL            -- grows with every change that people would see
);
CREATE INDEX IF NOT EXISTS changes_by_number ON changes (number);
CREATE TRIGGER IF NOT EXISTS job_added AFTER INSERT ON jobs BEGIN
    INSERT INTO changes VALUES (NEW.id, (SELECT COALESCE(max(number), 0) + 1 FROM changes))
    ON CONFLICT (job_id) DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER IF NOT EXISTS job_changed AFTER UPDATE ON jobs
    WHEN OLD.state IS NOT NEW.state OR OLD.progress IS NOT NEW.progress OR OLD.run IS NOT NEW.run
        OR OLD.n_images IS NOT NEW.n_images OR OLD.result IS NOT NEW.result OR OLD.story IS NOT NEW.story
        OR OLD.error IS NOT NEW.error OR OLD.priority IS NOT NEW.priority OR OLD.partial IS NOT NEW.partial
        OR OLD.not_before IS NOT NEW.not_before OR OLD.parameters IS NOT NEW.parameters
BEGIN
    INSERT INTO changes VALUES (NEW.id, (SELECT COALESCE(max(number), 0) + 1 FROM changes))
    ON CONFLICT (job_id) DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER IF NOT EXISTS arriving_added AFTER INSERT ON arriving BEGIN
    INSERT INTO changes VALUES (0, (SELECT COALESCE(max(number), 0) + 1 FROM changes))
    ON CONFLICT (job_id) DO UPDATE SET number = excluded.number;
END;
CREATE TRIGGER IF NOT EXISTS arriving_gone AFTER DELETE ON arriving BEGIN
    INSERT INTO changes VALUES (0, (SELECT COALESCE(max(number), 0) + 1 FROM changes))
    ON CONFLICT (job_id) DO UPDATE SET number = excluded.number;
END;
PRAGMA user_version = 6;
