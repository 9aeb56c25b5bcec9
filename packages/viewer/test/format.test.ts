import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  formatLogRecord,
  formatMetric,
  formatSpan,
  type ReceivedLogRecord,
  type ReceivedMetric,
  type ReceivedSpan,
} from '../src/index.ts'
import { formatJson } from '../src/json.ts'

const resource = { attributes: { 'service.name': 'shop' }, droppedAttributesCount: 0, schemaUrl: '' }
const scope = { name: 'payment', version: '1', attributes: {}, droppedAttributesCount: 0, schemaUrl: '' }
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const time = new Date(2024, 1, 3, 4, 5, 6, 7)
const timeUnixNano = BigInt(time.getTime()) * 1_000_000n

function log(fields: Partial<ReceivedLogRecord> = {}): ReceivedLogRecord {
  return {
    resource,
    scope,
    timeUnixNano,
    observedTimeUnixNano: 0n,
    severityNumber: 9,
    severityText: 'info',
    body: 'order placed',
    attributes: {},
    droppedAttributesCount: 0,
    flags: 0,
    traceId: '',
    spanId: '',
    eventName: '',
    raw: {} as ReceivedLogRecord['raw'],
    ...fields,
  }
}

function span(fields: Partial<ReceivedSpan> = {}): ReceivedSpan {
  return {
    resource,
    scope,
    name: 'GET /orders',
    kind: 'server',
    traceId,
    spanId: '00f067aa0ba902b7',
    parentSpanId: '',
    traceState: '',
    flags: 1,
    startTimeUnixNano: timeUnixNano,
    endTimeUnixNano: timeUnixNano + 12_340_000n,
    attributes: {},
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 'unset', message: '' },
    raw: {} as ReceivedSpan['raw'],
    ...fields,
  }
}

describe('formatLogRecord', () => {
  it('returns one line with time, severity, service, scope, body, attributes, and trace id', () => {
    const record = log({
      traceId,
      attributes: { 'order.id': 42, user: { name: 'Ann Lee', tags: ['a', 'b'] } },
    })
    expect(formatLogRecord(record)).toBe(
      '04:05:06.007 INFO   shop [payment] order placed order.id=42 user={name: "Ann Lee", tags: [a, b]} trace=4bf92f3577b34da6a3ce929d0e0e4736',
    )
  })

  it('omits parts that the record lacks', () => {
    const record = log({
      resource: { ...resource, attributes: {} },
      scope: { ...scope, name: '' },
      timeUnixNano: 0n,
      severityNumber: 0,
      severityText: '',
      body: null,
    })
    expect(formatLogRecord(record)).toBe('--:--:--.--- -     ')
  })

  it('uses the observed time when the record has no time', () => {
    const record = log({ timeUnixNano: 0n, observedTimeUnixNano: timeUnixNano })
    expect(formatLogRecord(record)).toMatch(/^04:05:06\.007 /)
  })

  it.each([
    [1, 'TRACE'],
    [5, 'DEBUG'],
    [9, 'INFO'],
    [11, 'INFO3'],
    [13, 'WARN'],
    [17, 'ERROR'],
    [21, 'FATAL'],
    [24, 'FATAL4'],
    [25, '-'],
  ])('names severity %i %s', (severityNumber, name) => {
    expect(formatLogRecord(log({ severityNumber, severityText: '' }))).toContain(` ${name.padEnd(6)} shop `)
  })

  it('goes on under the message when a line is longer than the terminal is wide', () => {
    const record = log({
      traceId,
      body: `${'order placed '.repeat(3)}${'x'.repeat(50)}`,
      attributes: {
        'exception.message': 'no',
        'exception.stacktrace': `Error: no\n    at f (${'y'.repeat(60)})`,
      },
    })
    for (const color of [false, true]) {
      const rows = stripVTControlCharacters(formatLogRecord(record, { color, columns: 70 })).split('\n')
      expect(rows.every((row) => row.length <= 70)).toBe(true)
      expect(rows.map((row) => row.trimEnd())).toEqual([
        '04:05:06.007 INFO   shop [payment] order placed order placed order',
        `${' '.repeat(35)}placed ${'x'.repeat(28)}`,
        `${' '.repeat(35)}${'x'.repeat(22)} trace=4bf92f`,
        `${' '.repeat(35)}3577b34da6a3ce929d0e0e4736`,
        '    Error: no',
        `        at f (${'y'.repeat(44)}`,
        `            ${'y'.repeat(16)})`,
      ])
    }
  })

  it('is indented a little when the message begins in the right half of the terminal', () => {
    const rows = formatLogRecord(log({ body: 'order placed '.repeat(3).trim() }), { columns: 50 }).split('\n')
    expect(rows).toHaveLength(2)
    expect(rows[1]).toMatch(/^ {4}\S/)
  })

  it('counts the frames of Node.js and OpenTelemetry when several follow one another', () => {
    const stack = [
      'Error: boom',
      '    at charge (file:///shop/payment.js:12:9)',
      '    at /shop/node_modules/@opentelemetry/api/build/src/api/context.js:55:1',
      '    at AsyncLocalStorage.run (node:internal/async_local_storage/async_hooks:91:14)',
      '    at C:\\shop\\node_modules\\@logbridge\\core\\dist\\index.js:1:1',
      '    at Layer.handle (/shop/node_modules/express/lib/router/layer.js:95:5)',
      '    at node:internal/process/task_queues:105:5',
      '    at open (/shop/db.js:1:1)',
      '    at async node:internal/a:1:1',
      '    at async node:internal/b:1:1',
    ].join('\n')
    expect(
      formatLogRecord(log({ attributes: { 'exception.message': 'boom', 'exception.stacktrace': stack } }))
        .split('\n')
        .slice(1),
    ).toEqual([
      '    Error: boom',
      '        at charge (file:///shop/payment.js:12:9)',
      '        … 3 frames of Node.js and OpenTelemetry',
      '        at Layer.handle (/shop/node_modules/express/lib/router/layer.js:95:5)',
      '        at node:internal/process/task_queues:105:5',
      '        at open (/shop/db.js:1:1)',
      '        … 2 frames of Node.js and OpenTelemetry',
    ])
  })

  it('formats an exception as an indented stack and removes its attributes from the line', () => {
    const record = log({
      attributes: {
        a: 1,
        'exception.type': 'TypeError',
        'exception.message': 'x is not a function',
        'exception.stacktrace': 'TypeError: x is not a function\n    at f (a.js:1:2)\r\n\tat g (b.js:3:4)',
      },
    })
    expect(formatLogRecord(record).split('\n')).toEqual([
      '04:05:06.007 INFO   shop [payment] order placed a=1',
      '    TypeError: x is not a function',
      '        at f (a.js:1:2)',
      '        at g (b.js:3:4)',
    ])
  })

  it.each([
    ['could not charge\n', 'could not charge a=1'],
    ['', 'a=1'],
    ['could not charge\n', 'could not charge a=1', '\n'],
  ])('prints a stack once when the body %j has it at its end', (message, line, end = '') => {
    const stack = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: no'
    const attributes = { a: 1, 'exception.message': 'no', 'exception.stacktrace': stack }
    expect(formatLogRecord(log({ body: `${message}${stack}${end}`, attributes })).split('\n')).toEqual([
      `04:05:06.007 INFO   shop [payment] ${line}`,
      '    Traceback (most recent call last):',
      '      File "a.py", line 1',
      '    ValueError: no',
    ])
  })

  it('prints a body whole when it differs from the stack at its end', () => {
    const attributes = { 'exception.message': 'no', 'exception.stacktrace': 'Error: no' }
    const [line] = formatLogRecord(log({ body: 'failed: Error: no, tried again', attributes })).split('\n')
    expect(line).toContain('failed: Error: no, tried again')
  })

  it.each([
    { stack: undefined, lines: ['    Error: boom'] },
    { stack: 'at f (a.js:1:2)', lines: ['    Error: boom', '    at f (a.js:1:2)'] },
  ])('adds the type and message of an exception when its stack lacks them: $stack', ({ stack, lines }) => {
    const attributes = {
      'exception.type': 'Error',
      'exception.message': 'boom',
      ...(stack === undefined ? {} : { 'exception.stacktrace': stack }),
    }
    expect(formatLogRecord(log({ attributes })).split('\n').slice(1)).toEqual(lines)
  })

  it.each([
    ['plain', 'plain'],
    ['/a/b.c:1', '/a/b.c:1'],
    ['two words', '"two words"'],
    ['42', '"42"'],
    ['true', '"true"'],
    ['', '""'],
    [42, '42'],
    [-0, '-0'],
    [9007199254740993n, '9007199254740993'],
    [true, 'true'],
    [null, 'null'],
    [Number.NaN, 'NaN'],
    [new Uint8Array([0, 255]), '<2 bytes 00ff>'],
    [new Uint8Array(17), `<17 bytes ${'00'.repeat(16)}…>`],
    [new Uint8Array(), '<0 bytes>'],
    [[], '[]'],
    [{}, '{}'],
  ])('formats the value %o as %s', (value, text) => {
    expect(formatLogRecord(log({ attributes: { k: value } }))).toMatch(/ k=.*$/)
    expect(formatLogRecord(log({ attributes: { k: value } })).split(' k=')[1]).toBe(text)
  })

  it('formats a structured body and an event name', () => {
    const record = log({ body: { a: [1, 'x'] }, eventName: 'order.placed' })
    expect(formatLogRecord(record)).toContain('[payment] order.placed {a: [1, x]}')
  })

  it('colors the severity when `color` is true', () => {
    const yellow = '\u001B[33m'
    expect(formatLogRecord(log({ severityNumber: 13 }), { color: true })).toContain(`${yellow}INFO  `)
    expect(formatLogRecord(log({ severityNumber: 13 }))).not.toContain('\u001B')
  })
})

describe('formatSpan', () => {
  it('returns one line', () => {
    const event = { timeUnixNano, attributes: {}, droppedAttributesCount: 0 }
    const received = span({
      status: { code: 'error', message: 'no stock' },
      events: [{ ...event, name: 'exception' }],
      attributes: { 'http.route': '/orders' },
    })
    expect(formatSpan(received)).toBe(
      '04:05:06.007 SPAN   shop [payment] GET /orders server 12.3ms error no stock +exception http.route=/orders trace=4bf92f3577b34da6a3ce929d0e0e4736',
    )
  })

  it.each([
    [850_000n, ' 850µs '],
    [2_345_678_901n, ' 2.35s '],
  ])('formats a duration of %i ns as%s', (nanos, text) => {
    expect(formatSpan(span({ endTimeUnixNano: timeUnixNano + nanos }))).toContain(text)
  })
})

describe('formatMetric', () => {
  const metric = { resource, scope, name: 'orders', description: '', unit: '{order}', metadata: {} }
  const point = { startTimeUnixNano: 0n, timeUnixNano, flags: 0, attributes: {}, exemplars: [] }
  const raw = {} as ReceivedMetric['raw']

  it('formats three points of a sum and the number of further points', () => {
    const dataPoints = ['a', 'b', 'c', 'd'].map((kind, value) => ({ ...point, attributes: { kind }, value }))
    expect(
      formatMetric({
        ...metric,
        raw,
        type: 'sum',
        isMonotonic: true,
        aggregationTemporality: 'delta',
        dataPoints,
      }),
    ).toBe(
      '04:05:06.007 METRIC shop [payment] orders {order} delta sum {kind=a} 0; {kind=b} 1; {kind=c} 2 and 1 more data points',
    )
  })

  it('formats count, sum, min, and max of a histogram', () => {
    const histogram = { count: 3, sum: 555, min: 5, max: 500, bucketCounts: [3], explicitBounds: [] }
    expect(
      formatMetric({
        ...metric,
        raw,
        type: 'histogram',
        aggregationTemporality: 'cumulative',
        dataPoints: [{ ...point, ...histogram }],
      }),
    ).toContain('cumulative histogram count=3 sum=555 min=5 max=500')
  })
})

const hostile = 'a\nb\r\u001B[2Jc\u0007\u007F\u009B31m\u2028\u202Ed'
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069]/

describe('formatters escape control characters', () => {
  const scopes = {
    resource: { ...resource, attributes: { 'service.name': hostile } },
    scope: { ...scope, name: hostile },
  }
  const attributes = { [hostile]: hostile, nested: { [hostile]: [hostile] } }

  it('in a log record', () => {
    const record = log({ ...scopes, severityText: hostile, body: hostile, eventName: hostile, attributes })
    expect(formatLogRecord(record)).not.toMatch(controls)
    expect(formatLogRecord(log({ body: hostile }))).toContain(
      String.raw`a\nb\r\x1b[2Jc\u0007\u007f\u009b31m\u2028\u202ed`,
    )
  })

  it('in an exception and indent each line', () => {
    const exception = {
      'exception.type': hostile,
      'exception.message': hostile,
      'exception.stacktrace': `${hostile}\n${hostile}`,
    }
    const lines = formatLogRecord(log({ attributes: exception }))
      .split('\n')
      .slice(1)
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines) {
      expect(line).not.toMatch(controls)
      expect(line).toMatch(/^ {4}/)
    }
  })

  it('in a span and a metric', () => {
    const event = { name: hostile, timeUnixNano, attributes: {}, droppedAttributesCount: 0 }
    const status = { code: 'error' as const, message: hostile }
    expect(formatSpan(span({ ...scopes, name: hostile, status, events: [event], attributes }))).not.toMatch(
      controls,
    )
    const point = { startTimeUnixNano: 0n, timeUnixNano, flags: 0, attributes, value: 1, exemplars: [] }
    const received: ReceivedMetric = {
      ...scopes,
      type: 'gauge',
      name: hostile,
      unit: hostile,
      description: hostile,
      metadata: {},
      dataPoints: [point],
      raw: {} as ReceivedMetric['raw'],
    }
    expect(formatMetric(received)).not.toMatch(controls)
  })

  it('in JSON that parses to the original text', () => {
    const line = formatJson('log', log({ body: hostile, attributes }))
    expect(line).not.toMatch(controls)
    expect(JSON.parse(line)).toMatchObject({ signal: 'log', body: hostile, attributes })
  })
})

it('formatJson writes bigint, bytes, and NaN as strings', () => {
  const attributes = { big: 9007199254740993n, bytes: new Uint8Array([0, 1, 255]), not: Number.NaN }
  const parsed = JSON.parse(formatJson('log', log({ attributes })))
  expect(parsed).toMatchObject({
    timeUnixNano: String(timeUnixNano),
    attributes: { big: '9007199254740993', bytes: 'AAH/', not: 'NaN' },
  })
  expect(parsed).not.toHaveProperty('raw')
})

describe('formatLogRecord truncates a long text', () => {
  const long = '\0'.repeat(1_000_000)

  it.each([
    ['a body', log({ body: long })],
    ['an attribute', log({ attributes: { long } })],
    ['a stack', log({ attributes: { 'exception.message': 'no', 'exception.stacktrace': long } })],
    ['a message', log({ attributes: { 'exception.message': long, 'exception.stacktrace': 'Error' } })],
  ])('in %s', (_, record) => {
    const text = formatLogRecord(record)
    expect(text).toContain('… 983616 more characters')
    expect(text.length).toBeLessThan(110_000)
  })
})
