import { parseQuery, QueryError } from '../query/query.ts'
import { compileQuery } from '../query/sql.ts'
import type { LogRow, Reader, SpanRow, TraceSummary } from './answers.ts'
import { LOG } from './logQueries.ts'
import { linksText } from './rows.ts'
import { ANSWER_SIZE, bounded, from, takeRows, where, type Select } from './select.ts'

/** Largest number of traces that the error about an ambiguous id names. */
const MAX_NAMED_TRACES = 3

/** Columns of a SpanRow. */
const SPAN = `record.id AS id, CAST(record.time AS TEXT) AS time, CAST(record.duration AS TEXT) AS duration, record.name AS name,
  record.kind AS kind, record.status AS status, record.status_message AS statusMessage, resource.service AS service,
  scope.name AS scope, record.trace_id AS traceId, record.span_id AS spanId, record.parent_id AS parentSpanId,
  record.attributes AS attributes, record.events AS events`

/** Creates the queries about traces. */
export function createTraceQueries({ all, each }: Select): Pick<Reader, 'traces' | 'trace'> {
  return {
    traces({ query, limit } = {}) {
      const { text, parameters } = where('spans', query)
      const rows = each<Omit<TraceSummary, 'services'> & { services: string }>(
        `WITH found AS (
           SELECT record.trace_id AS trace_id, max(record.time) AS newest FROM ${from('spans')} WHERE ${text}
           GROUP BY record.trace_id ORDER BY newest DESC LIMIT ?
         )
         SELECT span.trace_id AS traceId, CAST(min(span.time) AS TEXT) AS time,
           CAST(max(span.time + span.duration) - min(span.time) AS TEXT) AS duration, count(*) AS spans,
           sum(span.status = 'error') AS errors, json_group_array(DISTINCT resource.service) AS services,
           (SELECT count(*) FROM logs WHERE logs.trace_id = span.trace_id AND logs.trace_id <> '') AS logs,
           (SELECT root.name FROM spans AS root WHERE root.trace_id = span.trace_id ORDER BY root.parent_id <> '', root.time LIMIT 1) AS name,
           (SELECT r.service FROM spans AS root JOIN resources AS r ON r.id = root.resource
            WHERE root.trace_id = span.trace_id ORDER BY root.parent_id <> '', root.time LIMIT 1) AS service
         FROM found JOIN spans AS span ON span.trace_id = found.trace_id JOIN resources AS resource ON resource.id = span.resource
         GROUP BY span.trace_id ORDER BY min(span.time) DESC`,
        ...parameters,
        bounded(limit),
      )
      return takeRows(rows, ANSWER_SIZE).map((row) => ({
        ...row,
        services: JSON.parse(row.services) as string[],
      }))
    },

    trace({ traceId }) {
      const { text, parameters } = compileQuery(parseQuery(`trace=${traceId}`), 'spans', 0)
      const counts = all<{ id: string; spans: number; logs: number }>(
        `SELECT id, sum(spans) AS spans, sum(logs) AS logs FROM (
           SELECT record.trace_id AS id, count(*) AS spans, 0 AS logs FROM ${from('spans')} WHERE ${text} GROUP BY 1
           UNION ALL
           SELECT record.trace_id, 0, count(*) FROM ${from('logs')} WHERE record.trace_id <> '' AND ${text} GROUP BY 1
         ) GROUP BY id ORDER BY id LIMIT ${MAX_NAMED_TRACES}`,
        ...parameters,
        ...parameters,
      )
      if (counts.length > 1) {
        const ids = counts.map(({ id }) => id).join(', ')
        const message = `several traces begin with ${traceId}, such as ${ids}`
        throw new QueryError(message, { start: 0, end: traceId.length })
      }
      const { spans = 0, logs = 0 } = counts[0] ?? {}
      return {
        total: { spans, logs },
        spans: takeRows(
          each<Omit<SpanRow, 'links'> & { raw: Uint8Array }>(
            `SELECT ${SPAN}, record.raw AS raw FROM ${from('spans')} WHERE ${text} ORDER BY record.time LIMIT 10000`,
            ...parameters,
          ),
          ANSWER_SIZE,
        ).map(({ raw, ...span }) => ({ ...span, links: linksText(raw) })),
        logs: takeRows(
          each<LogRow>(
            `SELECT ${LOG} FROM ${from('logs')} WHERE record.trace_id <> '' AND ${text} ORDER BY record.time LIMIT 10000`,
            ...parameters,
          ),
          ANSWER_SIZE,
        ),
      }
    },
  }
}
