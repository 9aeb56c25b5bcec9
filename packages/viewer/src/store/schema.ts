import type { DatabaseSync } from 'node:sqlite'
import { matches } from '../query/regularExpression.ts'

/** Version of the tables, kept as `user_version`. A file of another version is refused. */
export const SCHEMA_VERSION = 1

/**
 * Tables of the store. Times and durations are nanoseconds, ids are lower-case hex, values are JSON of `toJsonText`, and `raw` is the
 * OTLP message as it came, for the export. Columns of text are '' rather than NULL, so that every comparison is true or false.
 *
 * `log_counts` holds the number of logs by second and by the first severity number of their range, for the histogram.
 */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS resources (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, attributes TEXT NOT NULL, raw BLOB NOT NULL, schema_url TEXT NOT NULL,
    UNIQUE (raw, schema_url)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS scopes (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, attributes TEXT NOT NULL, raw BLOB NOT NULL,
    schema_url TEXT NOT NULL, UNIQUE (raw, schema_url)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS logs (
    id INTEGER PRIMARY KEY, time INTEGER NOT NULL, severity INTEGER NOT NULL, severity_text TEXT NOT NULL, body TEXT NOT NULL,
    event_name TEXT NOT NULL, trace_id TEXT NOT NULL, span_id TEXT NOT NULL, attributes TEXT NOT NULL,
    resource INTEGER NOT NULL, scope INTEGER NOT NULL, raw BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS logs_by_time ON logs (time);
  CREATE INDEX IF NOT EXISTS logs_by_trace ON logs (trace_id) WHERE trace_id <> '';
  CREATE TABLE IF NOT EXISTS log_counts (
    second INTEGER NOT NULL, severity INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (second, severity)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS spans (
    id INTEGER PRIMARY KEY, time INTEGER NOT NULL, duration INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    status TEXT NOT NULL, status_message TEXT NOT NULL, trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT NOT NULL,
    attributes TEXT NOT NULL, events TEXT NOT NULL, resource INTEGER NOT NULL, scope INTEGER NOT NULL, raw BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS spans_by_time ON spans (time);
  CREATE INDEX IF NOT EXISTS spans_by_trace ON spans (trace_id);
  CREATE TABLE IF NOT EXISTS metrics (
    id INTEGER PRIMARY KEY, time INTEGER NOT NULL, name TEXT NOT NULL, unit TEXT NOT NULL, type TEXT NOT NULL,
    description TEXT NOT NULL, attributes TEXT NOT NULL, value REAL, point TEXT NOT NULL,
    resource INTEGER NOT NULL, scope INTEGER NOT NULL, raw BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS metrics_by_name ON metrics (name, time);
`

/** Defines the SQL functions that compiled queries call. */
export function defineFunctions(database: DatabaseSync): void {
  database.function('matches', { deterministic: true }, (pattern, flags, json) =>
    matches(String(pattern), String(flags), json === null ? null : String(json)),
  )
}

/** First severity number of the range of a record in SQL, as `rangeOfSeverity`. */
export const RANGE_OF_SEVERITY = 'CASE WHEN severity < 1 THEN 0 ELSE (severity - 1) / 4 * 4 + 1 END'
