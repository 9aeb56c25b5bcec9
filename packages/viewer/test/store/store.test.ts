import { chmodSync, mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it } from 'vitest'
import { decodeRequest } from '../../src/decode.ts'
import { ViewerError } from '../../src/errors.ts'
import { describeTrace } from '../../src/traceSummary.ts'
import type { LogRow, Reader } from '../../src/store/answers.ts'
import { openStore, type Store, type StoreOptions } from '../../src/store/store.ts'

const MILLIS = Date.parse('2026-11-29T10:00:00Z')
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const LIMIT = 4 * 2 ** 20

const stores: Store[] = []
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()))
})

async function open(options: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await openStore({ maxMessageBytes: LIMIT, ...options })
  stores.push(store)
  return store
}

/** Reads log records, all of which fit in one page. */
async function readLogs(store: Store, options: Parameters<Reader['logIds']>[0] = {}): Promise<LogRow[]> {
  return (await store.read('logs', { ids: await store.read('logIds', options) })).rows
}

type Json = Record<string, unknown>

function nanos(millis: number): string {
  return `${BigInt(Math.round(millis * 1000)) * 1000n}`
}

function attributes(values: Record<string, unknown>): Json[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }))
}

function resource(service: string): Json {
  return { attributes: attributes({ 'service.name': service }) }
}

async function writeLogs(store: Store, logRecords: Json[], service = 'shop'): Promise<void> {
  const request = {
    resourceLogs: [{ resource: resource(service), scopeLogs: [{ scope: { name: 'http' }, logRecords }] }],
  }
  await store.write('logs', 'json', Buffer.from(JSON.stringify(request)))
}

async function writeSpans(store: Store, spans: Json[], service = 'shop'): Promise<void> {
  const request = {
    resourceSpans: [{ resource: resource(service), scopeSpans: [{ scope: { name: 'http' }, spans }] }],
  }
  await store.write('traces', 'json', Buffer.from(JSON.stringify(request)))
}

function log(body: string, more: Json = {}): Json {
  return { timeUnixNano: nanos(MILLIS), severityNumber: 9, body: { stringValue: body }, ...more }
}

describe('openStore', () => {
  it('returns records newest first with all of their fields', async () => {
    const store = await open()
    await writeLogs(store, [
      log('first', { attributes: attributes({ 'order.id': 7 }), traceId: TRACE, spanId: SPAN }),
      log('second', { timeUnixNano: nanos(MILLIS + 1), severityNumber: 17, severityText: 'ERROR' }),
    ])
    expect(await readLogs(store)).toMatchObject([
      {
        id: 2,
        body: '"second"',
        severity: 17,
        severityText: 'ERROR',
        service: 'shop',
        scope: 'http',
        attributes: '{}',
      },
      {
        id: 1,
        body: '"first"',
        attributes: '{"order.id":7}',
        traceId: TRACE,
        spanId: SPAN,
        time: nanos(MILLIS),
      },
    ])
    expect(await readLogs(store, { query: 'order.id=7' })).toHaveLength(1)
    expect(await store.read('log', { id: 1 })).toMatchObject({
      resourceAttributes: '{"service.name":"shop"}',
    })
  })

  it('gives pages and the context of a record', async () => {
    const store = await open()
    await writeLogs(
      store,
      Array.from({ length: 30 }, (_, i) => log(`n${i}`, { timeUnixNano: nanos(MILLIS + i) })),
    )
    const bodies = (rows: { body: string }[]) => rows.map(({ body }) => JSON.parse(body))
    expect(bodies(await readLogs(store, { limit: 3 }))).toEqual(['n29', 'n28', 'n27'])
    expect(bodies(await readLogs(store, { limit: 3, before: 28 }))).toEqual(['n26', 'n25', 'n24'])
    expect(bodies(await readLogs(store, { limit: 2, after: 5 }))).toEqual(['n6', 'n5'])
    expect(await store.read('contextIds', { id: 10, count: 1 })).toEqual([11, 10, 9])
    expect(await store.read('newLogs', { after: 28, query: 'n29' })).toMatchObject({ count: 1, last: 30 })
  })

  it('gives large records in pages, without a gap', async () => {
    const store = await open()
    for (let i = 1; i <= 12; i += 1) {
      await writeLogs(store, [
        log(`${i} ${'x'.repeat(2 ** 20)}`, { timeUnixNano: nanos(MILLIS + i), traceId: TRACE }),
      ])
    }
    const all = [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    const pages: number[][] = []
    let rest = await store.read('logIds')
    while (rest.length > 0) {
      const page = await store.read('logs', { ids: rest })
      pages.push(page.rows.map(({ id }) => id))
      rest = page.rest
    }
    expect(pages.flat()).toEqual(all)
    expect(pages.map((page) => page.length)).toEqual([4, 4, 4])

    const exported: number[] = []
    let page = await store.read('exportPage', { signal: 'logs' })
    for (; page.lines.length > 0; page = await store.read('exportPage', { signal: 'logs', after: page.last }))
      exported.push(page.lines.length)
    expect(exported).toEqual([4, 4, 4])

    const { count, rows } = await store.read('newLogs', { after: 0 })
    expect({ count, ids: rows.map(({ id }) => id) }).toEqual({ count: 12, ids: all.slice(0, 4) })
    expect(await store.read('logs', { ids: [99, 1, 98] })).toMatchObject({ rows: [{ id: 1 }], rest: [98] })
    expect(await store.read('logs', { ids: [99, 98] })).toEqual({ rows: [], rest: [] })
  })

  it('gives the first spans and logs of a trace, and the numbers of all, when they are large', async () => {
    const store = await open()
    const text = 'x'.repeat(3 * 2 ** 20)
    for (let i = 0; i < 7; i += 1) {
      const at = nanos(MILLIS + i)
      await writeLogs(store, [log(text, { timeUnixNano: at, traceId: TRACE })])
      await writeSpans(store, [
        { traceId: TRACE, spanId: SPAN, name: text, startTimeUnixNano: at, endTimeUnixNano: at },
      ])
    }
    const { spans, logs, total } = await store.read('trace', { traceId: TRACE })
    expect(logs.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6])
    // The encoded span comes with its columns.
    expect(spans.map(({ id }) => id)).toEqual([1, 2, 3])
    expect(total).toEqual({ spans: 7, logs: 7 })
  })

  it('drops the oldest records at its bounds, and counts them', async () => {
    const store = await open({ bounds: { maxLogs: 100 } })
    for (let i = 0; i < 10; i += 1)
      await writeLogs(
        store,
        Array.from({ length: 30 }, (_, n) => log(`${i} ${n}`)),
      )
    const { logs } = await store.read('counts')
    expect(logs).toBeLessThanOrEqual(100)
    expect(store.written().dropped.logs).toBe(300 - logs)
    const { buckets } = await store.read('histogram', {})
    expect(buckets.reduce((sum, { counts }) => sum + (counts[9] ?? 0), 0)).toBe(logs)
  })

  it('stays under its bound of bytes', async () => {
    const maxBytes = 2 ** 20
    const store = await open({ bounds: { maxBytes } })
    for (let i = 0; i < 40; i += 1)
      await writeLogs(
        store,
        Array.from({ length: 20 }, () => log('x'.repeat(5000))),
      )
    const { logs } = await store.read('counts')
    expect(logs).toBeGreaterThan(20)
    expect(logs * 5000).toBeLessThan(maxBytes)
  })

  it('drops the large logs, and keeps small spans, when a few large logs fill the bound of bytes', async () => {
    const store = await open({ bounds: { maxBytes: 4 * 2 ** 20 } })
    for (let i = 0; i < 10; i += 1) await writeLogs(store, [log('x'.repeat(400_000))])
    const names = Array.from({ length: 200 }, (_, n) => `span ${n}`)
    await writeSpans(
      store,
      names.map((name) => ({ traceId: TRACE, spanId: SPAN, name, startTimeUnixNano: nanos(MILLIS) })),
    )
    for (let i = 0; i < 5; i += 1) await writeLogs(store, [log('x'.repeat(400_000))])
    expect(store.written().dropped).toMatchObject({ spans: 0, metrics: 0 })
    expect((await store.read('counts')).spans).toBe(200)
  })

  it('counts records by time and severity, with and without a query', async () => {
    const store = await open()
    await writeLogs(store, [
      log('a'),
      log('b', { timeUnixNano: nanos(MILLIS + 500), severityNumber: 18 }),
      log('c', { timeUnixNano: nanos(MILLIS + 2000) }),
    ])
    const range = { from: MILLIS, to: MILLIS + 3000, buckets: 3 }
    const expected = [{ 9: 1, 17: 1 }, {}, { 9: 1 }]
    expect((await store.read('histogram', range)).buckets.map(({ counts }) => counts)).toEqual(expected)
    const filtered = await store.read('histogram', { ...range, query: 'level>=info' })
    expect(filtered.buckets.map(({ counts }) => counts)).toEqual(expected)
  })

  it('closes once, and rejects later calls, when close is called twice', async () => {
    const store = await openStore({ maxMessageBytes: LIMIT })
    await Promise.all([store.close(), store.close()])
    await store.close()
    const closed = expect.objectContaining({ code: 'CLOSED' })
    await expect(store.read('counts')).rejects.toEqual(closed)
    await expect(writeLogs(store, [log('late')])).rejects.toEqual(closed)
  })

  it.each([
    { from: -1e300, to: 1e300 },
    { from: 1e300, to: -1e300 },
  ])('counts records by time when the range from $from to $to exceeds all times', async (range) => {
    const store = await open()
    await writeLogs(store, [log('latest', { timeUnixNano: `${2n ** 64n - 1n}` })])
    for (const query of ['', 'latest']) {
      const { buckets } = await store.read('histogram', { ...range, query })
      expect(buckets.length).toBeLessThanOrEqual(1000)
    }
    const { buckets } = await store.read('histogram', { query: 'latest' })
    expect(buckets.flatMap(({ counts }) => Object.values(counts))).toEqual([1])
  })

  it('groups messages by pattern, and counts facets', async () => {
    const store = await open()
    await writeLogs(store, [
      log('order 17 placed'),
      log('order 18 placed', { severityNumber: 13 }),
      log('card "visa" declined'),
    ])
    expect(await store.read('patterns')).toMatchObject([
      { pattern: 'order … placed', count: 2, severity: 13 },
      { pattern: 'card … declined', count: 1 },
    ])
    const { fields } = await store.read('facets')
    expect(fields[0]).toEqual({ field: 'service', values: [{ value: 'shop', count: 3 }] })
  })

  it('summarizes traces, and returns their spans and logs', async () => {
    const store = await open()
    const span = {
      traceId: TRACE,
      startTimeUnixNano: nanos(MILLIS),
      endTimeUnixNano: nanos(MILLIS + 20),
      kind: 2,
    }
    await writeSpans(store, [
      { ...span, spanId: SPAN, name: 'POST /orders' },
      {
        ...span,
        spanId: '00f067aa0ba902b8',
        parentSpanId: SPAN,
        name: 'charge',
        status: { code: 2, message: 'declined' },
      },
    ])
    await writeLogs(store, [log('declined', { traceId: TRACE, spanId: SPAN })])
    expect(await store.read('traces')).toMatchObject([
      {
        traceId: TRACE,
        name: 'POST /orders',
        service: 'shop',
        spans: 2,
        errors: 1,
        logs: 1,
        duration: '20000000',
      },
    ])
    expect(await store.read('traces', { query: 'duration>1s' })).toEqual([])
    expect(await store.read('trace', { traceId: TRACE.slice(0, 4) })).toMatchObject({
      total: { spans: 2, logs: 1 },
    })
    const { spans, logs } = await store.read('trace', { traceId: TRACE.slice(0, 8) })
    expect(spans.map(({ name }) => name)).toEqual(['POST /orders', 'charge'])
    expect(logs).toHaveLength(1)
    expect(await store.read('services')).toMatchObject([{ service: 'shop', logs: 1, spans: 2 }])
  })

  it('names the traces when several begin with the given id', async () => {
    const store = await open()
    const other = `4bf9${'0'.repeat(28)}`
    await writeSpans(store, [{ traceId: TRACE, spanId: SPAN, name: 'one' }])
    await writeLogs(store, [log('of another trace', { traceId: other })])
    await expect(store.read('trace', { traceId: '4bf9' })).rejects.toThrow(
      `several traces begin with 4bf9, such as ${other}, ${TRACE}`,
    )
    expect(await store.read('trace', { traceId: TRACE })).toMatchObject({ total: { spans: 1, logs: 0 } })
  })

  it('returns the first spans and the number of all when a trace is long', async () => {
    const store = await open()
    for (let sent = 0; sent < 3; sent += 1) {
      const spans = Array.from({ length: 4000 }, (_, n) => ({
        traceId: TRACE,
        spanId: SPAN,
        name: `span ${n}`,
        startTimeUnixNano: nanos(MILLIS + n),
      }))
      await writeSpans(store, spans)
    }
    const { spans, total } = await store.read('trace', { traceId: TRACE })
    expect(spans).toHaveLength(10_000)
    expect(total).toEqual({ spans: 12_000, logs: 0 })
    const logs = await readLogs(store)
    expect(describeTrace(spans, logs, total)).toContain('the first of 12000 spans and 0 log records')
  })

  it('gives a record without a time that of its arrival', async () => {
    const store = await open()
    await writeLogs(store, [{ body: { stringValue: 'without a time' } }])
    expect(await readLogs(store, { query: 'since=1h' })).toHaveLength(1)
  })

  it('gives metrics with their last values and their series', async () => {
    const store = await open()
    const points = (value: number, at: number) => [
      { timeUnixNano: nanos(MILLIS + at), asInt: String(value), attributes: attributes({ kind: 'web' }) },
      { timeUnixNano: nanos(MILLIS + at), asInt: '1', attributes: attributes({ kind: 'app' }) },
    ]
    for (const [value, at] of [
      [3, 0],
      [5, 1000],
    ] as const) {
      const metrics = [
        { name: 'orders', unit: '{order}', sum: { isMonotonic: true, dataPoints: points(value, at) } },
      ]
      const request = {
        resourceMetrics: [{ resource: resource('shop'), scopeMetrics: [{ scope: {}, metrics }] }],
      }
      await store.write('metrics', 'json', Buffer.from(JSON.stringify(request)))
    }
    expect(await store.read('metrics')).toMatchObject([
      { name: 'orders', series: 2, last: 6, values: [4, 6] },
    ])
    const series = await store.read('metric', { name: 'orders' })
    expect(series.map(({ points: each }) => each.map(({ value }) => value))).toEqual([
      [3, 5],
      [1, 1],
    ])
  })

  it('exports what it stored as OTLP/JSON', async () => {
    const store = await open()
    await writeLogs(store, [
      log('exact', {
        attributes: [{ key: 'big', value: { intValue: '9007199254740993' } }],
        traceId: TRACE,
        spanId: SPAN,
      }),
    ])
    const { lines, last } = await store.read('exportPage', { signal: 'logs' })
    expect(JSON.parse(lines[0]!)).toEqual({
      resourceLogs: [
        {
          resource: resource('shop'),
          scopeLogs: [
            {
              scope: { name: 'http' },
              logRecords: [
                {
                  timeUnixNano: nanos(MILLIS),
                  severityNumber: 9,
                  body: { stringValue: 'exact' },
                  attributes: [{ key: 'big', value: { intValue: '9007199254740993' } }],
                  traceId: TRACE,
                  spanId: SPAN,
                },
              ],
            },
          ],
        },
      ],
    })
    expect(decodeRequest('logs', 'json', Buffer.from(lines[0]!), LIMIT).resourceLogs).toHaveLength(1)
    expect(await store.read('exportPage', { signal: 'logs', after: last })).toEqual({ lines: [], last })
  })

  it('keeps a named file for the owner alone, and reads it again', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'viewer-store-')), 'kept.db')
    const first = await openStore({ file, maxMessageBytes: LIMIT })
    await writeLogs(first, [log('kept')])
    await first.close()
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const second = await open({ file })
    await writeLogs(second, [log('more')])
    expect(await readLogs(second)).toHaveLength(2)
  })

  it('refuses a file of another version and another program', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'viewer-store-'))
    for (const [name, sql] of [
      ['other.db', 'CREATE TABLE a (b)'],
      ['newer.db', 'CREATE TABLE a (b); PRAGMA user_version = 99'],
    ]) {
      const file = join(folder, name!)
      const database = new DatabaseSync(file)
      database.exec(sql!)
      database.close()
      chmodSync(file, 0o644)
      await expect(openStore({ file, maxMessageBytes: LIMIT })).rejects.toMatchObject({ code: 'DATABASE' })
      expect(statSync(file).mode & 0o777).toBe(0o644)
    }
  })

  it('stores every request, within its bound, when two viewers have the same file', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'viewer-store-')), 'viewer.db')
    const both = [
      await open({ file, bounds: { maxLogs: 500 } }),
      await open({ file, bounds: { maxLogs: 500 } }),
    ]
    const writes = Array.from({ length: 40 }, (_, i) =>
      writeLogs(
        both[i % 2]!,
        Array.from({ length: 50 }, (_each, n) => log(`${i} ${n}`)),
      ),
    )
    await Promise.all(writes)
    await both[0]!.clear()
    await writeLogs(both[1]!, [log('after the clear')])
    expect(await readLogs(both[0]!)).toHaveLength(1)
    await writeLogs(
      both[0]!,
      Array.from({ length: 300 }, (_, n) => log(`${n}`)),
    )
    await writeLogs(
      both[1]!,
      Array.from({ length: 300 }, (_, n) => log(`${n}`)),
    )
    expect((await both[0]!.read('counts')).logs).toBeLessThanOrEqual(500)
  })

  it('rejects with DATABASE when the database fails', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'viewer-store-')), 'viewer.db')
    const store = await open({ file })
    const database = new DatabaseSync(file)
    database.exec('DROP TABLE logs')
    database.close()
    await expect(writeLogs(store, [log('a')])).rejects.toMatchObject({ code: 'DATABASE' })
  })

  it('refuses malformed requests and wrong queries, and goes on', async () => {
    const store = await open()
    await expect(store.write('logs', 'protobuf', Uint8Array.of(0xff, 0xff))).rejects.toThrow()
    await expect(store.read('logIds', { query: 'level>=' })).rejects.toMatchObject({ location: { start: 7 } })
    await writeLogs(store, [log('after')])
    expect(await readLogs(store)).toHaveLength(1)
  })

  it('ends a query that takes too long, and answers the next', async () => {
    const store = await open({ queryTimeoutMillis: 1 })
    await writeLogs(
      store,
      Array.from({ length: 3000 }, (_, i) => log(`n${i} ${'ab'.repeat(200)}`)),
    )
    const slow = store.read('histogram', { query: 'msg=~/(a|b|ab)*c$/ OR msg=~/(a|b|ab)*d$/' })
    await expect(slow).rejects.toThrow(ViewerError)
    await expect(slow).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' })
  })

  it('answers the queries that wait behind a query that is ended', async () => {
    const store = await open({ queryTimeoutMillis: 1000 })
    for (let i = 0; i < 5; i += 1)
      await writeLogs(
        store,
        Array.from({ length: 800 }, () => log('ab'.repeat(2000))),
      )
    const query = Array.from({ length: 100 }, (_, at) => `msg=~/(a|b|ab)*(ab|ba)*c${at}$/`).join(' OR ')
    const [slow, ...others] = await Promise.allSettled([
      store.read('histogram', { query }),
      store.read('log', { id: 1 }),
      store.read('log', { id: 2 }),
    ])
    expect(slow).toMatchObject({ status: 'rejected', reason: { code: 'QUERY_TIMEOUT' } })
    expect(others).toMatchObject([
      { status: 'fulfilled', value: { id: 1 } },
      { status: 'fulfilled', value: { id: 2 } },
    ])
  })
})
