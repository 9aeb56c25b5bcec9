import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { decodeMessage, toProtobuf, type Encoding, type Signal } from '../decode.ts'
import { ViewerError } from '../errors.ts'
import { toJsonText } from '../query/jsonText.ts'
import type { Signal as Table } from '../query/fields.ts'
import { toResource, toScope } from '../value.ts'
import type { Bounds } from './bounds.ts'
import { splitRequest, type Container } from './messages.ts'
import { COLUMNS, logRow, metricRows, spanRow, type Row } from './rows.ts'
import { RANGE_OF_SEVERITY, SCHEMA, SCHEMA_VERSION } from './schema.ts'

const TABLES: Readonly<Record<Signal, Table>> = { logs: 'logs', traces: 'spans', metrics: 'metrics' }

const MAX_ID = Number.MAX_SAFE_INTEGER
/** Share of the records of a table that one step drops. */
const DROPPED_SHARE = 0.05
/** Longest time that a write waits for another viewer with the same file. */
const LOCK_TIMEOUT_MILLIS = 5000
/** Resources or scopes from which those without records are removed. */
const MAX_CONTAINERS = 10_000
const NANOS_PER_SECOND = 1_000_000_000n

/** Numbers of one signal since the start of the viewer. */
export interface Written {
  inserted: Record<Table, number>
  dropped: Record<Table, number>
}

/** Write side of the store. One thread has it. */
export interface Writer {
  /**
   * Stores the records of a request.
   *
   * @returns the number of records
   * @throws TooLargeError and Error as `toProtobuf`
   */
  write(signal: Signal, encoding: Encoding, bytes: Uint8Array): number
  written(): Written
  clear(): void
  close(): void
}

/**
 * Opens a database for writing, and creates its tables. Only the owner can read the file.
 *
 * @throws ViewerError `DATABASE` when the file is of another version or no database
 */
export function openWriter(file: string, bounds: Readonly<Bounds>, maxMessageBytes: number): Writer {
  const database = openDatabase(file)
  const insert = Object.fromEntries(
    Object.entries(COLUMNS).map(([table, columns]) => [
      table,
      database.prepare(
        `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
      ),
    ]),
  ) as Record<Table, StatementSync>
  const countLogs = database.prepare(
    `INSERT INTO log_counts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count`,
  )
  const containers = createContainers(database)
  const maxRows: Record<Table, number> = {
    logs: bounds.maxLogs,
    spans: bounds.maxSpans,
    metrics: bounds.maxDataPoints,
  }
  const rows = { logs: 0, spans: 0, metrics: 0 }
  /** Sizes of the OTLP messages of each table. */
  const sizes = { logs: 0, spans: 0, metrics: 0 }
  countAgain()
  let version = dataVersion(database)
  const written: Written = {
    inserted: { logs: 0, spans: 0, metrics: 0 },
    dropped: { logs: 0, spans: 0, metrics: 0 },
  }

  return {
    write(signal, encoding, bytes) {
      const message = toProtobuf(signal, encoding, bytes, maxMessageBytes)
      const table = TABLES[signal]
      let inserted
      try {
        inserted = transaction(database, () => {
          noticeOthers()
          return insertAll(table, message)
        })
      } catch (error) {
        // The transaction has taken back the resources and scopes that it inserted.
        containers.forget()
        throw error
      }
      const { count, size } = inserted
      rows[table] += count
      sizes[table] += size
      written.inserted[table] += count
      transaction(database, trim)
      return count
    },
    written: () => structuredClone(written),
    clear() {
      transaction(database, () => {
        for (const table of ['logs', 'spans', 'metrics', 'log_counts', 'resources', 'scopes']) {
          database.exec(`DELETE FROM ${table}`)
        }
      })
      containers.forget()
      countAgain()
    },
    close: () => database.close(),
  }

  function countAgain(): void {
    for (const table of Object.keys(rows) as Table[]) {
      rows[table] = countRows(database, table)
      sizes[table] = sizeOf(table)
    }
  }

  /** Counts again when another viewer has changed the same file. */
  function noticeOthers(): void {
    const newest = dataVersion(database)
    if (newest === version) return
    version = newest
    containers.forget()
    countAgain()
  }

  /** Returns the size of the OTLP messages of the oldest records. */
  function sizeOf(table: Table, lastId: SQLOutputValue = MAX_ID): number {
    const row = database.prepare(`SELECT total(length(raw)) AS size FROM ${table} WHERE id <= ?`).get(lastId)
    return Number(row!['size'])
  }

  function insertAll(table: Table, message: Uint8Array): { count: number; size: number } {
    const counts = new Map<string, { second: bigint; severity: number; count: number }>()
    const rawAt = (COLUMNS[table] as readonly string[]).indexOf('raw')
    let count = 0
    let size = 0
    for (const { resource, scope, record } of splitRequest(message)) {
      const ids = [containers.resourceId(resource), containers.scopeId(scope)]
      for (const row of rowsOf[table](record)) {
        insert[table].run(...row, ...ids)
        count += 1
        size += (row[rawAt] as Uint8Array).length
        if (table === 'logs') addCount(counts, row)
      }
    }
    for (const { second, severity, count: each } of counts.values()) countLogs.run(second, severity, each)
    return { count, size }
  }

  /** Drops the oldest records of a table that is over its bound, and of the largest table while the database is. */
  function trim(): void {
    // Another viewer can have dropped records since the records were counted.
    noticeOthers()
    for (const table of Object.keys(rows) as Table[]) {
      if (rows[table] > maxRows[table])
        drop(table, rows[table] - Math.floor(maxRows[table] * (1 - DROPPED_SHARE)))
    }
    while (usedBytes(database) > bounds.maxBytes) {
      // The table of the largest size, because a few large logs would otherwise drop every small span.
      const [largest] = (Object.keys(rows) as Table[])
        .filter((table) => rows[table] > 0)
        .sort((a, b) => sizes[b] - sizes[a])
      if (largest === undefined) break
      drop(largest, Math.ceil(rows[largest] * DROPPED_SHARE))
    }
    containers.removeUnused()
  }

  function drop(table: Table, count: number): void {
    const last = database.prepare(`SELECT id FROM ${table} ORDER BY id LIMIT 1 OFFSET ?`).get(count - 1)
    if (last === undefined) return
    if (table === 'logs') {
      database
        .prepare(
          `INSERT INTO log_counts SELECT time / 1000000000, ${RANGE_OF_SEVERITY}, -count(*) FROM logs WHERE id <= ? GROUP BY 1, 2
           ON CONFLICT DO UPDATE SET count = count + excluded.count`,
        )
        .run(last['id']!)
      database.exec('DELETE FROM log_counts WHERE count <= 0')
    }
    sizes[table] -= sizeOf(table, last['id'])
    const { changes } = database.prepare(`DELETE FROM ${table} WHERE id <= ?`).run(last['id']!)
    rows[table] -= Number(changes)
    written.dropped[table] += Number(changes)
  }
}

function rangeOfSeverity(severity: number): number {
  return severity < 1 ? 0 : Math.floor((severity - 1) / 4) * 4 + 1
}

const rowsOf: Record<Table, (record: Uint8Array) => Iterable<Row>> = {
  logs: (record) => [logRow(record)],
  spans: (record) => [spanRow(record)],
  metrics: metricRows,
}

function addCount(counts: Map<string, { second: bigint; severity: number; count: number }>, row: Row): void {
  const second = (row[0] as bigint) / NANOS_PER_SECOND
  const severity = rangeOfSeverity(row[1] as number)
  const key = `${second} ${severity}`
  const entry = counts.get(key)
  if (entry === undefined) counts.set(key, { second, severity, count: 1 })
  else entry.count += 1
}

/** Finds or inserts resources and scopes. Remembers the ids of those that were seen. */
function createContainers(database: DatabaseSync) {
  const ids = new Map<string, bigint>()
  // One request has one object for all records of a resource or scope.
  const ofRequest = new WeakMap<Container, bigint>()
  const statements = {
    resources: [
      database.prepare('SELECT id FROM resources WHERE raw = ? AND schema_url = ?'),
      database.prepare('INSERT INTO resources (raw, schema_url, service, attributes) VALUES (?, ?, ?, ?)'),
    ],
    scopes: [
      database.prepare('SELECT id FROM scopes WHERE raw = ? AND schema_url = ?'),
      database.prepare(
        'INSERT INTO scopes (raw, schema_url, name, version, attributes) VALUES (?, ?, ?, ?, ?)',
      ),
    ],
  } as const

  function idOf(table: 'resources' | 'scopes', container: Container, values: () => string[]): bigint {
    const seen = ofRequest.get(container)
    if (seen !== undefined) return seen
    const { bytes, schemaUrl } = container
    const key = `${table} ${schemaUrl} ${Buffer.from(bytes).toString('latin1')}`
    let id = ids.get(key)
    if (id === undefined) {
      const [find, add] = statements[table]
      const found = find.get(bytes, schemaUrl)?.['id']
      id = BigInt((found as number | undefined) ?? add.run(bytes, schemaUrl, ...values()).lastInsertRowid)
      if (ids.size >= MAX_CONTAINERS) ids.clear()
      ids.set(key, id)
    }
    ofRequest.set(container, id)
    return id
  }

  return {
    resourceId: (container: Container) =>
      idOf('resources', container, () => {
        const { attributes } = toResource(decodeMessage('Resource', container.bytes), container.schemaUrl)
        const service = attributes['service.name']
        return [typeof service === 'string' ? service : '', toJsonText(attributes)]
      }),
    scopeId: (container: Container) =>
      idOf('scopes', container, () => {
        const { name, version, attributes } = toScope(
          decodeMessage('InstrumentationScope', container.bytes),
          container.schemaUrl,
        )
        return [name, version, toJsonText(attributes)]
      }),
    forget: () => ids.clear(),
    removeUnused() {
      for (const [table, column] of [
        ['resources', 'resource'],
        ['scopes', 'scope'],
      ] as const) {
        if (countRows(database, table) <= MAX_CONTAINERS) continue
        const used = Object.keys(COLUMNS).map((each) => `SELECT ${column} FROM ${each}`)
        database.exec(`DELETE FROM ${table} WHERE id NOT IN (${used.join(' UNION ')})`)
        ids.clear()
      }
    },
  }
}

function openDatabase(file: string): DatabaseSync {
  let database
  try {
    closeSync(openSync(file, 'a', 0o600))
    database = new DatabaseSync(file, { timeout: LOCK_TIMEOUT_MILLIS })
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as {
      user_version: number
    }
    const isNew = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()!['count'] === 0
    if (!isNew && version !== SCHEMA_VERSION) {
      throw new Error(
        version === 0
          ? 'it is the database of another program'
          : `its tables have version ${version}, and this viewer has version ${SCHEMA_VERSION}`,
      )
    }
    // The file of another program keeps its mode.
    chmodSync(file, 0o600)
    // WAL lets the reader work beside the writer.
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}`,
    )
    return database
  } catch (cause) {
    database?.close()
    throw new ViewerError(
      'DATABASE',
      `Cannot use the database ${file}: ${(cause as Error).message}. Name another file with --db.`,
      { cause },
    )
  }
}

function usedBytes(database: DatabaseSync): number {
  const pragma = (name: string): number => Number(database.prepare(`PRAGMA ${name}`).get()![name])
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
}

/** Returns a number that changes when another connection has changed the file. */
function dataVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA data_version').get()!['data_version'])
}

function countRows(database: DatabaseSync, table: string): number {
  return Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()!['count'])
}

function transaction<T>(database: DatabaseSync, run: () => T): T {
  // A transaction that begins with a read fails at its first write when another viewer has written meanwhile.
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = run()
    database.exec('COMMIT')
    return result
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}
