/**
 * Read side of the store: the answers to the page, the command, and the HTTP API. Every answer has a bound in rows and in size. Times
 * are decimal strings of nanoseconds; `body` and `attributes` are JSON text, so that integers keep all digits.
 */
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite'
import { toOtlpJson, type Signal } from '../decode.ts'
import type { Signal as Table } from '../query/fields.ts'
import { parseQuery, QueryError } from '../query/query.ts'
import { compileField, compileQuery, type Sql } from '../query/sql.ts'
import { cappedNanos } from '../query/values.ts'
import { findPatterns, type Pattern } from './patterns.ts'
import { joinRequest } from './messages.ts'
import type {
  Bucket,
  Facets,
  Histogram,
  LogRow,
  MetricSeries,
  MetricSummary,
  Page,
  Reader,
  RecordDetails,
  ServiceSummary,
  SpanRow,
  TraceSummary,
  TraceTotal,
} from './answers.ts'
import { countFacets } from './facets.ts'
import { linksText } from './rows.ts'
import { defineFunctions } from './schema.ts'

const MAX_LIMIT = 1000
const SAMPLED = 10_000
/** Characters and bytes of rows after which a page ends. The next page follows. */
const PAGE_SIZE = 4 * 2 ** 20
/** Characters and bytes of rows after which an answer without a next page ends. */
const ANSWER_SIZE = 16 * 2 ** 20
/** Largest number of traces that the error about an ambiguous id names. */
const MAX_NAMED_TRACES = 3
const SPARKLINE_POINTS = 60
/** Milliseconds after all times that a column holds. */
const MAX_MILLIS = 1e13

export function openReader(file: string): Reader {
  const database = new DatabaseSync(file, { readOnly: true })
  defineFunctions(database)

  function all<T>(sql: string, ...parameters: readonly SQLInputValue[]): T[] {
    return database.prepare(sql).all(...parameters) as T[]
  }

  /** Reads one row at a time, because all rows together can be large. */
  function each<T>(sql: string, ...parameters: readonly SQLInputValue[]): Iterable<T> {
    return database.prepare(sql).iterate(...parameters) as Iterable<T>
  }

  /** Reads the records that are still stored. */
  function* logsOf(ids: readonly number[]): Generator<LogRow> {
    const statement = database.prepare(`SELECT ${LOG} FROM ${from('logs')} WHERE record.id = ?`)
    for (const id of ids) {
      const row = statement.get(id)
      if (row !== undefined) yield row as unknown as LogRow
    }
  }

  function where(table: Table, query = ''): Sql {
    return compileQuery(parseQuery(query), table, Date.now())
  }

  return {
    logIds({
      query,
      limit,
      before,
      after,
    }: Page & { before?: number | undefined; after?: number | undefined } = {}): number[] {
      const { text, parameters } = where('logs', query)
      const order = after === undefined ? 'DESC' : 'ASC'
      const ids = all<{ id: number }>(
        `SELECT record.id AS id FROM ${from('logs')} WHERE ${text}
         ${before === undefined ? '' : `AND (record.time, record.id) < ${POSITION}`}
         ${after === undefined ? '' : `AND (record.time, record.id) > ${POSITION}`}
         ORDER BY record.time ${order}, record.id ${order} LIMIT ?`,
        ...parameters,
        ...(before === undefined ? [] : [before]),
        ...(after === undefined ? [] : [after]),
        bounded(limit),
      ).map(({ id }) => id)
      return after === undefined ? ids : ids.reverse()
    },

    logs({ ids }: { ids: readonly number[] }): { rows: LogRow[]; rest: number[] } {
      const rows = takeRows(logsOf(ids), PAGE_SIZE)
      const last = rows.at(-1)
      return { rows, rest: last === undefined ? [] : ids.slice(ids.indexOf(last.id) + 1) }
    },

    newLogs({ query, after, limit }: Page & { after: number }): {
      count: number
      last: number
      rows: LogRow[]
    } {
      const { text, parameters } = where('logs', query)
      const [{ last }] = all<{ last: number }>('SELECT ifnull(max(id), 0) AS last FROM logs') as [
        { last: number },
      ]
      const range = 'record.id > ? AND record.id <= ?'
      const [{ count }] = all<{ count: number }>(
        `SELECT count(*) AS count FROM ${from('logs')} WHERE ${range} AND ${text}`,
        after,
        last,
        ...parameters,
      ) as [{ count: number }]
      const rows =
        count === 0
          ? []
          : takeRows(
              each<LogRow>(
                `SELECT ${LOG} FROM ${from('logs')} WHERE ${range} AND ${text} ORDER BY record.id DESC LIMIT ?`,
                after,
                last,
                ...parameters,
                bounded(limit),
              ),
              PAGE_SIZE,
            )
      return { count, last, rows }
    },

    nextLogIds({ query, after, limit }: Page & { after: number }): { last: number; ids: number[] } {
      const { text, parameters } = where('logs', query)
      const [{ newest }] = all<{ newest: number }>('SELECT ifnull(max(id), 0) AS newest FROM logs') as [
        { newest: number },
      ]
      // A cleared store counts from one again.
      const start = after > newest ? 0 : after
      const ids = all<{ id: number }>(
        `SELECT record.id AS id FROM ${from('logs')} WHERE record.id > ? AND record.id <= ? AND ${text} ORDER BY record.id LIMIT ?`,
        start,
        newest,
        ...parameters,
        bounded(limit),
      ).map(({ id }) => id)
      return { last: ids.length === bounded(limit) ? ids.at(-1)! : newest, ids }
    },

    log({ id }: { id: number }): RecordDetails | undefined {
      const [row] = all<RecordDetails>(
        `SELECT ${LOG}, scope.version AS scopeVersion, scope.attributes AS scopeAttributes, resource.attributes AS resourceAttributes
         FROM ${from('logs')} WHERE record.id = ?`,
        id,
      )
      return row
    },

    contextIds({ id, count = 50 }: { id: number; count?: number }): number[] {
      return [...this.logIds({ after: id, limit: count }), id, ...this.logIds({ before: id, limit: count })]
    },

    histogram({
      query = '',
      from: start,
      to: end,
      buckets = 60,
    }: {
      query?: string
      from?: number
      to?: number
      buckets?: number
    }): Histogram {
      const isAll = query.trim() === ''
      const { text, parameters } = where('logs', query)
      const [range] = all<{ first: number | null; last: number | null }>(
        'SELECT min(second) AS first, max(second) AS last FROM log_counts',
      )
      const first = cappedMillis(start ?? (range?.first ?? 0) * 1000)
      const last = cappedMillis(end ?? ((range?.last ?? 0) + 1) * 1000)
      const bucketMillis = bucketSize((last - first) / Math.max(1, Math.min(buckets, 500)), isAll)
      const begin = Math.floor(first / bucketMillis) * bucketMillis
      const rows = isAll
        ? all<{ at: number; severity: number; count: number }>(
            `SELECT second * 1000 / ?1 * ?1 AS at, severity, sum(count) AS count FROM log_counts
             WHERE second BETWEEN ?2 AND ?3 GROUP BY 1, 2`,
            BigInt(bucketMillis),
            Math.floor(begin / 1000),
            Math.ceil(last / 1000) - 1,
          )
        : all<{ at: number; severity: number; count: number }>(
            `SELECT record.time / 1000000 / ? * ? AS at, ${RANGE_OF_SEVERITY} AS severity, count(*) AS count FROM ${from('logs')}
             WHERE record.time >= ? AND record.time <= ? AND ${text} GROUP BY 1, 2`,
            BigInt(bucketMillis),
            BigInt(bucketMillis),
            cappedNanos(BigInt(begin) * 1_000_000n),
            cappedNanos(BigInt(Math.ceil(last)) * 1_000_000n - 1n),
            ...parameters,
          )
      const byStart = new Map<number, Bucket>()
      for (let at = begin; at < last && byStart.size < 1000; at += bucketMillis)
        byStart.set(at, { start: at, counts: {} })
      for (const { at, severity, count } of rows) {
        const bucket = byStart.get(at)
        if (bucket !== undefined) bucket.counts[severity] = count
      }
      return { bucketMillis, buckets: [...byStart.values()] }
    },

    facets({ query }: { query?: string } = {}): Facets {
      const { text, parameters } = where('logs', query)
      const rows = each<{ service: string; scope: string; severity: number; attributes: string }>(
        `SELECT resource.service AS service, scope.name AS scope, record.severity AS severity, record.attributes AS attributes
         FROM ${from('logs')} WHERE ${text} ORDER BY record.time DESC LIMIT ${SAMPLED}`,
        ...parameters,
      )
      return countFacets(rows)
    },

    patterns({ query, limit }: Page = {}): Pattern[] {
      const { text, parameters } = where('logs', query)
      const rows = each<{ id: number; time: string; severity: number; body: string }>(
        `SELECT record.id AS id, CAST(record.time AS TEXT) AS time, record.severity AS severity, record.body AS body
         FROM ${from('logs')} WHERE ${text} ORDER BY record.time DESC LIMIT ${SAMPLED}`,
        ...parameters,
      )
      return findPatterns(rows).slice(0, bounded(limit))
    },

    traces({ query, limit }: Page = {}): TraceSummary[] {
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

    trace({ traceId }: { traceId: string }): { spans: SpanRow[]; logs: LogRow[]; total: TraceTotal } {
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

    services(): ServiceSummary[] {
      return all<ServiceSummary>(
        `SELECT service, sum(logs) AS logs, sum(errors) AS errors, sum(spans) AS spans, CAST(max(last) AS TEXT) AS lastTime FROM (
           SELECT resource.service AS service, count(*) AS logs, sum(record.severity >= 17) AS errors, 0 AS spans, max(record.time) AS last
           FROM logs AS record JOIN resources AS resource ON resource.id = record.resource GROUP BY 1
           UNION ALL
           SELECT resource.service, 0, 0, count(*), max(record.time)
           FROM spans AS record JOIN resources AS resource ON resource.id = record.resource GROUP BY 1
           UNION ALL
           SELECT resource.service, 0, 0, 0, max(record.time)
           FROM metrics AS record JOIN resources AS resource ON resource.id = record.resource GROUP BY 1
         ) GROUP BY service ORDER BY service`,
      )
    },

    countBy({ query, field, limit }: Page & { field: string }): { value: string | null; count: number }[] {
      const { text, parameters } = where('logs', query)
      const value = compileField(field, 'logs')
      const rows = each<{ value: string | null; count: number }>(
        `SELECT ${value.text} AS value, count(*) AS count FROM ${from('logs')} WHERE ${text} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?`,
        ...value.parameters,
        ...parameters,
        bounded(limit),
      )
      return takeRows(rows, ANSWER_SIZE)
    },

    metrics({ query, limit }: Page = {}): MetricSummary[] {
      const { text, parameters } = where('metrics', query)
      const rows = all<Omit<MetricSummary, 'values' | 'last'> & { values: string }>(
        `SELECT name, unit, type, description, service, scope, count(DISTINCT attributes) AS series, CAST(max(time) AS TEXT) AS lastTime,
           json_group_array(json_array(time, value)) AS "values"
         FROM (
           SELECT record.name AS name, record.unit AS unit, record.type AS type, record.description AS description,
             resource.service AS service, scope.name AS scope, record.attributes AS attributes, record.time AS time, record.value AS value,
             row_number() OVER (PARTITION BY record.name, record.resource, record.scope ORDER BY record.time DESC) AS nth
           FROM ${from('metrics')} WHERE ${text}
         ) WHERE nth <= ${SPARKLINE_POINTS * 20} GROUP BY name, unit, type, service, scope ORDER BY name, service LIMIT ?`,
        ...parameters,
        bounded(limit),
      )
      return rows.map(({ values, ...row }) => {
        const sums = sumByTime(JSON.parse(values) as [number, number | null][])
        return { ...row, values: sums, last: sums.at(-1) ?? null }
      })
    },

    metric({ name, service, limit }: { name: string; service?: string; limit?: number }): MetricSeries[] {
      const rows = each<{ attributes: string; time: string; value: number | null; point: string }>(
        `SELECT record.attributes AS attributes, CAST(record.time AS TEXT) AS time, record.value AS value, record.point AS point
         FROM ${from('metrics')} WHERE record.name = ? AND (? IS NULL OR resource.service = ?) ORDER BY record.time DESC LIMIT ?`,
        name,
        service ?? null,
        service ?? null,
        Math.min(limit ?? 5000, SAMPLED),
      )
      const bySeries = new Map<string, MetricSeries>()
      for (const { attributes, ...point } of takeRows(rows, ANSWER_SIZE).reverse()) {
        let series = bySeries.get(attributes)
        if (series === undefined) bySeries.set(attributes, (series = { attributes, points: [] }))
        series.points.push(point)
      }
      return [...bySeries.values()]
    },

    exportPage({ signal, query, after = 0 }: { signal: Signal; query?: string; after?: number }): {
      lines: string[]
      last: number
    } {
      const table = signal === 'traces' ? 'spans' : signal
      const { text, parameters } = where(table, query)
      const rows = each<{
        id: number
        record: Uint8Array
        resource: Uint8Array
        resourceUrl: string
        scope: Uint8Array
        scopeUrl: string
      }>(
        `SELECT record.id AS id, record.raw AS record, resource.raw AS resource, resource.schema_url AS resourceUrl,
           scope.raw AS scope, scope.schema_url AS scopeUrl
         FROM ${from(table)} WHERE record.id > ? AND ${text} ORDER BY record.id LIMIT 500`,
        after,
        ...parameters,
      )
      const page = takeRows(rows, PAGE_SIZE)
      const lines = page.map(({ record, resource, resourceUrl, scope, scopeUrl }) =>
        toOtlpJson(
          signal,
          joinRequest([
            {
              record,
              resource: { bytes: resource, schemaUrl: resourceUrl },
              scope: { bytes: scope, schemaUrl: scopeUrl },
            },
          ]),
        ),
      )
      return { lines, last: page.at(-1)?.id ?? after }
    },

    counts(): Record<Table, number> {
      const [row] = all<Record<Table, number>>(
        'SELECT (SELECT count(*) FROM logs) AS logs, (SELECT count(*) FROM spans) AS spans, (SELECT count(*) FROM metrics) AS metrics',
      )
      return row!
    },

    close: () => database.close(),
  }
}

const LOG = `record.id AS id, CAST(record.time AS TEXT) AS time, record.severity AS severity, record.severity_text AS severityText,
  resource.service AS service, scope.name AS scope, record.event_name AS eventName, record.trace_id AS traceId,
  record.span_id AS spanId, record.body AS body, record.attributes AS attributes`

const SPAN = `record.id AS id, CAST(record.time AS TEXT) AS time, CAST(record.duration AS TEXT) AS duration, record.name AS name,
  record.kind AS kind, record.status AS status, record.status_message AS statusMessage, resource.service AS service,
  scope.name AS scope, record.trace_id AS traceId, record.span_id AS spanId, record.parent_id AS parentSpanId,
  record.attributes AS attributes, record.events AS events`

const POSITION = '(SELECT time, id FROM logs WHERE id = ?)'
const RANGE_OF_SEVERITY = 'CASE WHEN record.severity < 1 THEN 0 ELSE (record.severity - 1) / 4 * 4 + 1 END'

/** Returns the tables that a compiled query reads. */
function from(table: Table): string {
  return `${table} AS record CROSS JOIN resources AS resource ON resource.id = record.resource CROSS JOIN scopes AS scope ON scope.id = record.scope`
}

function bounded(limit = 100): number {
  return Math.max(0, Math.min(Math.trunc(limit), MAX_LIMIT))
}

/** Takes rows until they have the given size. The first row is taken whatever its size. */
function takeRows<T extends object>(rows: Iterable<T>, maxSize: number): T[] {
  const taken: T[] = []
  let size = 0
  for (const row of rows) {
    taken.push(row)
    for (const value of Object.values(row) as SQLOutputValue[]) {
      if (typeof value === 'string' || value instanceof Uint8Array) size += value.length
    }
    if (size >= maxSize) break
  }
  return taken
}

const BUCKETS = [
  1, 10, 100, 1000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, 21_600_000,
  86_400_000,
]

function cappedMillis(millis: number): number {
  return Math.min(Math.max(millis, 0), MAX_MILLIS)
}

/** Returns the smallest usual bucket of at least the given size. Counts by second allow none below a second. */
function bucketSize(millis: number, isBySecond: boolean): number {
  const allowed = isBySecond ? BUCKETS.filter((each) => each >= 1000) : BUCKETS
  return allowed.find((each) => each >= millis) ?? Math.ceil(millis / 86_400_000) * 86_400_000
}

/** Adds up the values of all series at each time, oldest first. */
function sumByTime(points: readonly [time: number, value: number | null][]): (number | null)[] {
  const sums = new Map<number, number | null>()
  for (const [time, value] of points) {
    const sum = sums.get(time)
    sums.set(time, value === null ? (sum ?? null) : (sum ?? 0) + value)
  }
  return [...sums]
    .sort(([a], [b]) => a - b)
    .slice(-SPARKLINE_POINTS)
    .map(([, sum]) => sum)
}
