/**
 * Tests that every format passes, on lines that its library wrote.
 *
 * ```ts
 * conformance({ format: 'zap', files: ['zap.jsonl', 'zap-development.jsonl'] })
 * ```
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createLineReader, parseLine, type ParsedLine, type ParsedRecord } from '../src/index.ts'
import { deliver } from './deliver.ts'

/** Format under test. */
export interface FormatSubject {
  readonly format: ParsedRecord['format']
  /** Files of `fixtures/lines`, at least five lines together. */
  readonly files: readonly string[]
  /** Paths of fields that repeat others, and are left out: `record.file.name`. The last part `*` is any key. */
  readonly repeated?: readonly string[]
  /** Path of the object that has the fields of the application. Default: the line. */
  readonly fieldsAt?: string
  /** Name of an attribute for a field of the application. Default: its key. */
  readonly nameOf?: (key: string) => string
}

const folder = new URL('fixtures/', import.meta.url)

/** Reads the lines of a fixture. */
export function linesOf(file: string): string[] {
  return readFileSync(new URL(`lines/${file}`, folder), 'utf8')
    .split('\n')
    .filter(Boolean)
}

export function parseRecord(line: string, options?: Parameters<typeof parseLine>[2]): ParsedRecord {
  return parseLine(line, 'auto', { timezone: 'UTC', ...options }) as ParsedRecord
}

export function conformance(subject: FormatSubject): void {
  const { format, files } = subject
  const lines = files.flatMap(linesOf)

  describe(format, () => {
    test('has at least five lines', () => {
      expect(lines.length).toBeGreaterThanOrEqual(5)
    })

    test.each(files)('parseLine finds the format of each line of %s', (file) => {
      expect(linesOf(file).map((line) => parseLine(line).format)).toEqual(linesOf(file).map(() => format))
    })

    test.each(files)('the records of %s arrive as OTLP', async (file) => {
      const arrived = await deliver(linesOf(file))
      const text = `${JSON.stringify(arrived, undefined, 2)}\n`
      await expect(text).toMatchFileSnapshot(
        new URL(`expected/${file.replace(/\.\w+$/, '.json')}`, folder).pathname,
      )
    })

    test('each field of a line is in its record, or became a part of it', () => {
      for (const line of lines) expect(missingFields(line, subject)).toEqual([])
    })

    test('a field of the application is kept, whatever its value', () => {
      const values = ['text', 7, 0.5, true, null, [], {}, [1, ['two']], { a: { b: null } }, '\uD800']
      for (const line of lines) {
        for (const value of values) expect(attributeFor(line, subject, JSON.stringify(value))).toEqual(value)
        expect(attributeFor(line, subject, '-0')).toBe(-0)
        expect(attributeFor(line, subject, '12345678901234567890123')).toBe('12345678901234567890123')
        expect(attributeFor(line, subject, '9007199254740993')).toBe(9007199254740993n)
        expect(attributeFor(line, subject, 'NaN')).toBeNaN()
      }
    })

    test('a field named __proto__ is kept', () => {
      for (const line of lines) {
        const { attributes } = parseRecord(addField(line, subject, '__proto__', '7'))
        expect(Object.getOwnPropertyDescriptor(attributes, nameOf(subject, '__proto__'))?.value).toBe(7)
      }
    })

    test('two fields with one key are both kept', () => {
      for (const line of lines) {
        const { attributes } = parseRecord(
          addField(addField(line, subject, 'twice', '1'), subject, 'twice', '2'),
        )
        const name = nameOf(subject, 'twice')
        expect([attributes[name], attributes[`${name}#2`]]).toEqual([1, 2])
      }
    })

    test('a field of another type than the library writes is kept', () => {
      for (const line of lines)
        for (const changed of withOtherTypes(line)) expect(missingFields(changed, subject)).toEqual([])
    })

    test('a line in the file of a container runtime gives the same record', () => {
      const time = '2026-11-29T10:00:00.5Z'
      for (const line of lines) {
        const docker = JSON.stringify({ log: `${line}\n`, stream: 'stderr', time })
        const bytes = Buffer.from(line)
        // Container runtimes split characters.
        const half = bytes.length >> 1
        const cri = Buffer.concat([
          Buffer.from(`${time} stderr P `),
          bytes.subarray(0, half),
          Buffer.from(`
${time} stderr F `),
          bytes.subarray(half),
        ])
        for (const wrapped of [Buffer.from(docker), cri]) {
          const [record, ...more] = read(wrapped)
          expect(more).toEqual([])
          const alone = parseRecord(line)
          expect({ ...record, context: undefined }).toEqual({
            ...alone,
            timestamp: alone.timestamp ?? [1_795_946_400, 500_000_000],
            observedTimestamp: [1_795_946_400, 500_000_000],
            attributes: { ...alone.attributes, 'log.iostream': 'stderr' },
            context: undefined,
          })
        }
      }
    })

    test('keepOriginal adds the line', () => {
      for (const line of lines)
        expect(parseRecord(line, { keepOriginal: true }).attributes['log.record.original']).toBe(line)
    })
  })
}

function read(bytes: Buffer): ParsedLine[] {
  const records: ParsedLine[] = []
  const reader = createLineReader({ timezone: 'UTC', onRecord: (record) => records.push(record) })
  reader.write(bytes)
  reader.end()
  return records
}

function nameOf({ nameOf: name }: FormatSubject, key: string): string {
  return name ? name(key) : key
}

/** Adds a field of the application to a line, as JSON. */
function addField(line: string, { fieldsAt }: FormatSubject, key: string, json: string): string {
  const start = fieldsAt === undefined ? line.indexOf('{') : line.indexOf('{', line.indexOf(`"${fieldsAt}"`))
  const rest = line.slice(start + 1).trimStart()
  // The keys of a line may be sorted, and the first one decides how the JSON is spaced.
  const colon = line.includes('": ') ? '": ' : '":'
  return `${line.slice(0, start + 1)}"${key}${colon}${json}${rest.startsWith('}') ? '' : ', '}${rest}`
}

function attributeFor(line: string, subject: FormatSubject, json: string): unknown {
  const { attributes } = parseRecord(addField(line, subject, 'own_field', json))
  const name = nameOf(subject, 'own_field')
  if (Object.hasOwn(attributes, name)) return attributes[name]
  // ECS takes nested keys for dotted ones.
  const prefix = `${name}.`
  const inner = Object.entries(attributes).filter(([key]) => key.startsWith(prefix))
  return inner.reduce<unknown>(
    (value, [key, each]) => nest(value, key.slice(prefix.length).split('.'), each),
    undefined,
  )
}

function nest(value: unknown, path: readonly string[], leaf: unknown): unknown {
  const [first, ...rest] = path
  return first === undefined ? leaf : { ...(value as object), [first]: nest(undefined, rest, leaf) }
}

/** Replaces each field of a line by values of other types, one at a time. */
function withOtherTypes(line: string): string[] {
  const fields = JSON.parse(line) as Record<string, unknown>
  return Object.keys(fields).flatMap((key) =>
    ['changed-17', 4711.25, true, ['changed', 17], { changed: 17 }].map((value) =>
      JSON.stringify({ ...fields, [key]: value }),
    ),
  )
}

/** Lists the values of a line that its record does not show. */
function missingFields(line: string, { repeated = [] }: FormatSubject): string[] {
  const record = parseRecord(line)
  const shown = leavesOf(record, '').map(([, value]) => value)
  const texts = shown.map(String)
  const all = texts.join('\n')
  const span = record.context && spanText(record)
  const missing: string[] = []
  for (const [path, value] of leavesOf(JSON.parse(line), '')) {
    if (value === null || shown.includes(value) || repeated.some((pattern) => matches(path, pattern)))
      continue
    const text = String(value)
    const [, file, number] = /^(.+):(\d+)$/.exec(text) ?? []
    if (file !== undefined && shown.includes(file) && shown.includes(Number(number))) continue
    if (/flags$|sampled$/i.test(path) && span?.includes(`"traceFlags":${Number(value)}`)) continue
    if (
      all.includes(text) ||
      all.includes(JSON.stringify(value).slice(1, -1)) ||
      span?.includes(text) ||
      span?.includes(hexOf(text))
    )
      continue
    if (isTimeOf(record, value) || isLevelOf(record, value) || isExceptionOf(record, text)) continue
    missing.push(`${path}: ${text}`)
  }
  return missing
}

/** Returns an id of Datadog in hex, or the span id of a `traceparent`. */
function hexOf(text: string): string {
  if (/^\d{10,20}$/.test(text)) return BigInt(text).toString(16)
  return /^00-\w{32}-(\w{16})-\w\w$/.exec(text)?.[1] ?? 'none'
}

function leavesOf(value: unknown, path: string): [path: string, value: unknown][] {
  if (typeof value !== 'object' || value === null || value instanceof Date)
    return value === undefined ? [] : [[path, value]]
  return Object.entries(value).flatMap(([key, each]) => leavesOf(each, path === '' ? key : `${path}.${key}`))
}

function matches(path: string, pattern: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
}

function spanText({ context }: ParsedRecord): string {
  const span = (
    context!.getValue(Symbol.for('OpenTelemetry Context Key SPAN')) as { spanContext(): object }
  ).spanContext()
  return JSON.stringify(span)
}

function isTimeOf({ timestamp }: ParsedRecord, value: unknown): boolean {
  if (timestamp === undefined) return false
  const [seconds, nanos] = timestamp
  if (typeof value === 'number')
    return [1, 1e3, 1e6, 1e9].some((unit) => Math.abs(value / unit - seconds - nanos / 1e9) < 1e-3)
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d|^\w{3}, \d\d \w{3}/.test(value)
}

function isLevelOf({ severityNumber, severityText }: ParsedRecord, value: unknown): boolean {
  return typeof value === 'number'
    ? severityNumber > 0 && value % 1 === 0
    : severityText === String(value).trim()
}

function isExceptionOf({ exception }: ParsedRecord, text: string): boolean {
  const { type = '', stack = '' } = (exception ?? {}) as { type?: string; stack?: string }
  return (
    (type !== '' && text.endsWith(type)) ||
    (stack !== '' && text.replaceAll(/\s+/g, '').includes(stack.replaceAll(/\s+/g, '')))
  )
}
