/** Small requests whose decoded form takes as much memory as possible. */
import type { Signal } from '../src/decode.ts'

const MIB = 2 ** 20

export interface Bomb {
  content: string
  signal: Signal
  /** Builds the request with `count` elements. */
  build: (count: number) => Buffer
  /** Bytes of an element. */
  width: number
  json?: boolean
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}

/** Encodes a length-delimited field. */
function field(number: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

function repeatElement(count: number, element: Buffer): Buffer {
  return Buffer.alloc(count * element.length, element)
}

/** Encodes `content` within the fields `path`, outermost first. */
function nest(path: number[], content: Buffer): Buffer {
  return path.reduceRight((inner, number) => field(number, inner), content)
}

/** Builds a bomb of many elements within the fields `path` of a request. */
function repeated(content: string, signal: Signal, path: number[], element: Buffer): Bomb {
  return {
    content,
    signal,
    width: element.length,
    build: (count) => nest(path, repeatElement(count, element)),
  }
}

function json(content: string, before: string, element: string, after: string): Bomb {
  return {
    content: `JSON: ${content}`,
    signal: 'logs',
    width: element.length,
    json: true,
    build: (count) =>
      Buffer.from(`${before}${Array.from({ length: count }, () => element).join(',')}${after}`),
  }
}

const EMPTY = Buffer.alloc(0)
/** Field numbers of the path to a log record, a span, or a metric. */
const RECORD = [1, 2, 2]
const attribute = Buffer.concat([field(1, 'a'), field(2, EMPTY)])
const bytesValue = field(2, field(7, 'b'))

export const emptyLogs: Bomb = repeated('log records', 'logs', [1, 2], field(2, EMPTY))

export const bombs: Bomb[] = [
  emptyLogs,
  repeated('resources', 'logs', [], field(1, EMPTY)),
  repeated('scopes', 'logs', [1], field(2, EMPTY)),
  repeated(
    'log records with times',
    'logs',
    [1, 2],
    field(2, Buffer.from('0901000000000000005901000000000000001005', 'hex')),
  ),
  repeated('log records with a text', 'logs', [1, 2], field(2, field(5, field(1, 'é')))),
  repeated('attributes of one record', 'logs', RECORD, field(6, attribute)),
  {
    ...repeated('attributes of different keys', 'logs', RECORD, field(6, attribute)),
    width: 14,
    build: (count) =>
      nest(
        RECORD,
        Buffer.concat(
          Array.from({ length: count }, (_, index) =>
            field(
              6,
              Buffer.concat([
                field(1, index.toString(36).padStart(5, '0')),
                field(2, Buffer.from('1801', 'hex')),
              ]),
            ),
          ),
        ),
      ),
  },
  repeated('attributes of bytes', 'logs', RECORD, field(6, Buffer.concat([field(1, 'a'), bytesValue]))),
  repeated('an array of nothing', 'logs', [...RECORD, 5, 5], field(1, EMPTY)),
  repeated('an array of maps', 'logs', [...RECORD, 5, 5], field(1, field(6, EMPTY))),
  repeated('an array of bytes', 'logs', [...RECORD, 5, 5], field(1, field(7, 'b'))),
  repeated('unknown fields', 'logs', RECORD, field(99, EMPTY)),
  repeated('control characters', 'logs', [...RECORD, 5, 1], Buffer.from('\u0001')),
  repeated('C1 control characters', 'logs', [...RECORD, 5, 1], Buffer.from('\u0085')),
  {
    ...repeated('control characters in a wide text', 'logs', [...RECORD, 5, 1], Buffer.from('\u0001')),
    build: (count) =>
      nest(
        [...RECORD, 5, 1],
        Buffer.concat([Buffer.from('\u{1F4A3}'), repeatElement(count, Buffer.from('\u0001'))]),
      ),
  },
  {
    ...repeated('lines of a stack', 'logs', RECORD, Buffer.from('a\n')),
    build: (count) =>
      nest(
        [...RECORD, 6],
        Buffer.concat([
          field(1, 'exception.stacktrace'),
          field(2, field(1, repeatElement(count, Buffer.from('a\n')))),
        ]),
      ),
  },
  {
    ...repeated('records of a large resource', 'logs', [1, 2], field(2, EMPTY)),
    build: (count) =>
      field(
        1,
        Buffer.concat([
          field(
            1,
            field(1, Buffer.concat([field(1, 'service.name'), field(2, field(1, 'x'.repeat(2 * MIB)))])),
          ),
          field(2, repeatElement(count, field(2, EMPTY))),
        ]),
      ),
  },
  repeated('entity keys', 'logs', [1, 1, 3], field(3, 'k')),
  repeated('spans', 'traces', [1, 2], field(2, EMPTY)),
  repeated('span events', 'traces', [1, 2, 2], field(11, EMPTY)),
  repeated('metrics', 'metrics', [1, 2], field(2, EMPTY)),
  repeated('points of a gauge', 'metrics', [1, 2, 2, 5], field(1, EMPTY)),
  repeated('points of an exponential histogram', 'metrics', [1, 2, 2, 10], field(1, EMPTY)),
  repeated('exemplars', 'metrics', [1, 2, 2, 5, 1], field(5, EMPTY)),
  repeated('bucket counts', 'metrics', [1, 2, 2, 9, 1, 6], Buffer.alloc(8, 1)),
  repeated('bucket counts, not packed', 'metrics', [1, 2, 2, 9, 1], Buffer.from('310101010101010101', 'hex')),
  repeated('exponential bucket counts', 'metrics', [1, 2, 2, 10, 1, 8, 2], Buffer.from([1])),
  repeated('quantiles', 'metrics', [1, 2, 2, 11, 1], field(6, EMPTY)),
  json('log records', '{"resourceLogs":[{"scopeLogs":[{"logRecords":[', '{}', ']}]}]}'),
  json('resources', '{"resourceLogs":[', '{}', ']}'),
  json(
    'values',
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[',
    '{}',
    ']}}}]}]}]}',
  ),
  json(
    'long integers',
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[',
    '{"intValue":9007199254740993}',
    ']}}}]}]}]}',
  ),
  json('unknown numbers', '{"unknown":[', '0', ']}'),
  json('unknown fractions', '{"unknown":[', '1.5e9', ']}'),
  json('unknown texts', '{"unknown":[', '""', ']}'),
  json('unknown arrays', '{"unknown":[', '[]', ']}'),
  json('unknown objects', '{"unknown":[', '{}', ']}'),
  json(
    'escapes',
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"',
    String.raw`\u0001`,
    '"}}]}]}]}',
  ),
]
