import type { LogRow, Reader, RecordDetails } from './answers.ts'
import { compileField } from '../query/sql.ts'
import { countFacets } from './facets.ts'
import { findPatterns } from './patterns.ts'
import { ANSWER_SIZE, bounded, from, PAGE_SIZE, SAMPLED, takeRows, where, type Select } from './select.ts'

/** Columns of a LogRow. */
export const LOG = `record.id AS id, CAST(record.time AS TEXT) AS time, record.severity AS severity, record.severity_text AS severityText,
  resource.service AS service, scope.name AS scope, record.event_name AS eventName, record.trace_id AS traceId,
  record.span_id AS spanId, record.body AS body, record.attributes AS attributes`

const POSITION = '(SELECT time, id FROM logs WHERE id = ?)'

type LogQueries = Pick<
  Reader,
  'logIds' | 'logs' | 'newLogs' | 'nextLogIds' | 'log' | 'contextIds' | 'facets' | 'patterns' | 'countBy'
>

/** Creates the queries about log records. */
export function createLogQueries({ all, each, prepare }: Select): LogQueries {
  /** Reads the records that are still stored. */
  function* logsOf(ids: readonly number[]): Generator<LogRow> {
    const statement = prepare(`SELECT ${LOG} FROM ${from('logs')} WHERE record.id = ?`)
    for (const id of ids) {
      const row = statement.get(id)
      if (row !== undefined) yield row as unknown as LogRow
    }
  }

  const logIds: Reader['logIds'] = ({ query, limit, before, after } = {}) => {
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
    return after === undefined ? ids : ids.toReversed()
  }

  return {
    logIds,

    logs({ ids }) {
      const rows = takeRows(logsOf(ids), PAGE_SIZE)
      const last = rows.at(-1)
      return { rows, rest: last === undefined ? [] : ids.slice(ids.indexOf(last.id) + 1) }
    },

    newLogs({ query, after, limit }) {
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

    nextLogIds({ query, after, limit }) {
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

    log({ id }) {
      const [row] = all<RecordDetails>(
        `SELECT ${LOG}, scope.version AS scopeVersion, scope.attributes AS scopeAttributes, resource.attributes AS resourceAttributes
         FROM ${from('logs')} WHERE record.id = ?`,
        id,
      )
      return row
    },

    contextIds({ id, count = 50 }) {
      return [...logIds({ after: id, limit: count }), id, ...logIds({ before: id, limit: count })]
    },

    facets({ query } = {}) {
      const { text, parameters } = where('logs', query)
      const rows = each<{ service: string; scope: string; severity: number; attributes: string }>(
        `SELECT resource.service AS service, scope.name AS scope, record.severity AS severity, record.attributes AS attributes
         FROM ${from('logs')} WHERE ${text} ORDER BY record.time DESC LIMIT ${SAMPLED}`,
        ...parameters,
      )
      return countFacets(rows)
    },

    patterns({ query, limit } = {}) {
      const { text, parameters } = where('logs', query)
      const rows = each<{ id: number; time: string; severity: number; body: string }>(
        `SELECT record.id AS id, CAST(record.time AS TEXT) AS time, record.severity AS severity, record.body AS body
         FROM ${from('logs')} WHERE ${text} ORDER BY record.time DESC LIMIT ${SAMPLED}`,
        ...parameters,
      )
      return findPatterns(rows).slice(0, bounded(limit))
    },

    countBy({ query, field, limit }) {
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
  }
}
