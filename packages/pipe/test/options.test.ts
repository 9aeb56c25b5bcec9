import { createMemoryLoggerProvider } from '@logbridge/bridge/testing'
import { describe, expect, test } from 'vitest'
import { createLineBridge, createLineReader, parseLine, type ParsedRecord } from '../src/index.ts'
import { linesOf } from './conformance.ts'

const parse = (fields: object, options: Parameters<typeof parseLine>[2]): ParsedRecord =>
  parseLine(JSON.stringify(fields), 'auto', options) as ParsedRecord

describe('map', () => {
  const map = { level: 'sev', time: 'meta.when', message: 'text', logger: 'meta.log' }

  test('parseLine takes level, time, message, and logger from the mapped keys', () => {
    const fields = {
      sev: 'WARN',
      text: 'm',
      meta: { when: 1_790_000_000, log: 'shop', more: 1 },
      message: 'other',
    }
    expect(parse(fields, { map })).toMatchObject({
      format: 'json',
      severityNumber: 13,
      severityText: 'WARN',
      timestamp: [1_790_000_000, 0],
      body: 'm',
      scope: 'shop',
      attributes: { meta: { more: 1 } },
    })
  })

  test('parseLine leaves a mapped field of the wrong type where it is', () => {
    const fields = { sev: { x: 1 }, meta: { when: 'later', log: 7 }, message: 'm' }
    expect(parse(fields, { map })).toMatchObject({
      severityNumber: 0,
      timestamp: undefined,
      body: 'm',
      attributes: { sev: { x: 1 }, meta: { when: 'later', log: 7 } },
    })
  })

  test('parseLine takes a key with dots before a path', () => {
    expect(parse({ 'a.b': 'flat', a: { b: 'nested' } }, { map: { message: 'a.b' } })).toMatchObject({
      body: 'flat',
      attributes: { a: { b: 'nested' } },
    })
  })

  test('parseLine asks severity for the numbers of a mapped level', () => {
    expect(parse({ sev: 30 }, { map, severity: { 30: 9 } })).toMatchObject({
      severityNumber: 9,
      severityText: '30',
    })
  })
})

test('timezone decides the time of a line without an offset', () => {
  const [line] = linesOf('python-json-logger.jsonl') as [string]
  const wall = Date.parse('2026-11-29T11:00:25Z') / 1000
  expect(parseLine(line, 'auto', { timezone: 'UTC' })).toMatchObject({ timestamp: [wall, 263_000_000] })
  expect(parseLine(line, 'auto', { timezone: 'Asia/Kolkata' })).toMatchObject({
    timestamp: [wall - 5.5 * 3600, 263_000_000],
  })
})

test('severity wins over the table of a format', () => {
  const [line] = linesOf('loguru.jsonl') as [string]
  expect(parseLine(line, 'auto', { severity: { INFO: 11 } })).toMatchObject({ severityNumber: 11 })
  expect(parse({ level: 30, time: 1, msg: '' }, { severity: { info: 11 } })).toMatchObject({
    severityNumber: 11,
  })
})

describe('keepLocals', () => {
  const line = linesOf('structlog-dict.jsonl').find((each) => each.includes('locals'))!

  test('parseLine leaves the local variables of structlog out by default', () => {
    expect(JSON.stringify(parseLine(line))).not.toContain('BoundLogger')
  })

  test('parseLine keeps the exception with its locals when set', () => {
    const { attributes, exception } = parseLine(line, 'auto', { keepLocals: true }) as ParsedRecord
    expect(JSON.stringify(attributes['exception'])).toContain('BoundLogger')
    expect(exception).toMatchObject({ type: 'RuntimeError' })
  })

  test('parseLine leaves the values that loguru shows out of a traceback by default', () => {
    const shown = linesOf('loguru.jsonl').find((each) => each.includes('└'))!
    const stackOf = (keepLocals: boolean): unknown =>
      (parseLine(shown, 'auto', { keepLocals }) as ParsedRecord).exception?.stack
    expect(stackOf(false)).not.toContain('└')
    expect(stackOf(true)).toContain('└ 1200')
  })
})

test('createLineBridge redacts, excludes, and drops below level as every adapter does', () => {
  const loggerProvider = createMemoryLoggerProvider()
  const bridge = createLineBridge({
    loggerProvider,
    redact: ['password', 'user.token'],
    exclude: ['code.*'],
    attributes: { region: 'eu' },
    level: 'info',
  })
  const reader = createLineReader({ onRecord: (record) => record.format !== 'otlp' && bridge.emit(record) })
  const line = (level: string): string =>
    `{"time":"2026-11-29T10:00:00Z","level":"${level}","msg":"m","source":{"function":"f","file":"a.go","line":1},"password":"p","user":{"token":"t","id":7}}\n`
  reader.write(Buffer.from(line('DEBUG') + line('INFO')))
  expect(loggerProvider.records).toMatchObject([
    {
      severityNumber: 9,
      scope: { name: 'slog' },
      body: 'm',
      attributes: { password: '[Redacted]', user: { token: '[Redacted]', id: 7 }, region: 'eu' },
    },
  ])
  expect(Object.keys(loggerProvider.records[0]!.attributes)).not.toContain('code.file.path')
})

test.each([
  [{ format: 'xml' }, /option format is 'xml'/],
  [{ timezone: 'Mars/Olympus' }, /option timezone is 'Mars\/Olympus'/],
  [{ map: { body: 'x' } }, /option map is an object/],
  [{ maxLineBytes: 0 }, /option maxLineBytes is 0/],
  [{ colour: true }, /there is no option colour/],
])('createLineReader refuses %j', (options, message) => {
  expect(() => createLineReader({ ...(options as object), onRecord() {} })).toThrow(message)
})
