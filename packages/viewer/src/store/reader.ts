/**
 * Read side of the store: the answers to the page, the command, and the HTTP API. Every answer has a bound in rows and in size. Times
 * are decimal strings of nanoseconds; `body` and `attributes` are JSON text, so that integers keep all digits.
 */
import { DatabaseSync } from 'node:sqlite'
import { toOtlpJson } from '../decode.ts'
import type { Signal as Table } from '../query/fields.ts'
import type { Reader, ServiceSummary } from './answers.ts'
import { createHistogram } from './histogram.ts'
import { createLogQueries } from './logQueries.ts'
import { joinRequest } from './messages.ts'
import { createMetricQueries } from './metricQueries.ts'
import { defineFunctions } from './schema.ts'
import { createSelect, from, PAGE_SIZE, takeRows, where } from './select.ts'
import { createTraceQueries } from './traceQueries.ts'

export function openReader(file: string): Reader {
  const database = new DatabaseSync(file, { readOnly: true })
  defineFunctions(database)
  const select = createSelect(database)
  const { all, each } = select

  return {
    ...createLogQueries(select),
    ...createHistogram(select),
    ...createTraceQueries(select),
    ...createMetricQueries(select),

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

    exportPage({ signal, query, after = 0 }) {
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
