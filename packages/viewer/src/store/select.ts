import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import type { Signal as Table } from '../query/fields.ts'
import { parseQuery } from '../query/query.ts'
import { compileQuery, type Sql } from '../query/sql.ts'

const MAX_LIMIT = 1000
/** Largest number of the newest records that an answer sums up. */
export const SAMPLED = 10_000
/** Characters and bytes of rows after which a page ends. The next page follows. */
export const PAGE_SIZE: number = 4 * 2 ** 20
/** Characters and bytes of rows after which an answer without a next page ends. */
export const ANSWER_SIZE: number = 16 * 2 ** 20

/** Functions that read rows of a database. */
export interface Select {
  all<T>(sql: string, ...parameters: readonly SQLInputValue[]): T[]
  /** Reads one row at a time, because all rows together can be large. */
  each<T>(sql: string, ...parameters: readonly SQLInputValue[]): Iterable<T>
  prepare(sql: string): StatementSync
}

/** Creates the functions that read rows of a database. */
export function createSelect(database: DatabaseSync): Select {
  return {
    all: <T>(sql: string, ...parameters: readonly SQLInputValue[]) =>
      database.prepare(sql).all(...parameters) as T[],
    each: <T>(sql: string, ...parameters: readonly SQLInputValue[]) =>
      database.prepare(sql).iterate(...parameters) as Iterable<T>,
    prepare: (sql) => database.prepare(sql),
  }
}

/**
 * Compiles a query to a condition.
 *
 * @throws QueryError for a wrong query
 */
export function where(table: Table, query = ''): Sql {
  return compileQuery(parseQuery(query), table, Date.now())
}

/** Returns the tables that a compiled query reads. */
export function from(table: Table): string {
  return `${table} AS record CROSS JOIN resources AS resource ON resource.id = record.resource CROSS JOIN scopes AS scope ON scope.id = record.scope`
}

/** Returns the number of rows of an answer. */
export function bounded(limit = 100): number {
  return Math.max(0, Math.min(Math.trunc(limit), MAX_LIMIT))
}

/** Takes rows until they have the given size. The first row is taken whatever its size. */
export function takeRows<T extends object>(rows: Iterable<T>, maxSize: number): T[] {
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
