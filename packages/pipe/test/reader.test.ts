import { expect, test } from 'vitest'
import { createLineReader, type LineReaderOptions, type ParsedLine, type ParsedRecord } from '../src/index.ts'

/** Reads chunks to the end, and returns the records. */
function read(
  chunks: readonly (string | Uint8Array)[],
  options: Partial<LineReaderOptions> = {},
): ParsedLine[] {
  const records: ParsedLine[] = []
  const reader = createLineReader({ ...options, onRecord: (record) => records.push(record) })
  for (const chunk of chunks) reader.write(Buffer.from(chunk as string))
  reader.end()
  return records
}

const bodies = (records: readonly ParsedLine[]): unknown[] =>
  records.map((record) => (record.format === 'otlp' ? record.json : record.body))

test('createLineReader joins the bytes of a line, wherever chunks end', () => {
  const bytes = Buffer.from('{"level":30,"time":1,"msg":"größe 🎉"}\r\nplain\n')
  for (let at = 0; at < bytes.length; at += 1) {
    expect(bodies(read([bytes.subarray(0, at), bytes.subarray(at)]))).toEqual(['größe 🎉', 'plain'])
  }
})

test('createLineReader joins continuation lines to the text before', () => {
  const text =
    'failed\nTraceback (most recent call last):\n  File "a.py", line 1\n\nValueError: no\nnext\n\tat x\n{"level":30,"msg":"m"}\n  alone\n'
  expect(bodies(read([text]))).toEqual([
    'failed\nTraceback (most recent call last):\n  File "a.py", line 1\n\nValueError: no',
    'next\n\tat x',
    'm',
    '  alone',
  ])
})

test('createLineReader ends a text when the blank lines behind it are too many', () => {
  const bodies: unknown[] = []
  const reader = createLineReader({ onRecord: (record) => 'body' in record && bodies.push(record.body) })
  reader.write(Buffer.from(`first\n${'\n'.repeat(100_000)}  second\n`))
  reader.end()
  expect(bodies).toEqual(['first', '  second'])
})

test('createLineReader reads the exception of a traceback in a text', () => {
  const traceback =
    'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\nshop.errors.Declined: no\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File "a.py", line 2, in <module>\nKeyError: 7'
  expect(read([`could not charge\n${traceback}\n`])).toMatchObject([
    {
      body: `could not charge\n${traceback}`,
      exception: { type: 'KeyError', message: '7', stack: traceback },
    },
  ])
})

test('createLineReader cuts a long line on a character, marks it, and counts it', () => {
  const records: ParsedLine[] = []
  const reader = createLineReader({ maxLineBytes: 5, onRecord: (record) => records.push(record) })
  for (const chunk of ['abcd', 'é', 'fgh\nok', '\n']) reader.write(Buffer.from(chunk))
  reader.end()
  expect(bodies(records)).toEqual(['abcd', 'ok'])
  expect(records[0]).toMatchObject({ attributes: { 'logbridge.line.truncated': true } })
  expect(records[1]).toMatchObject({ attributes: {} })
  expect(reader.cutLines).toBe(1)
  expect(reader.position).toBe(13)
})

test('createLineReader leaves a line of OTLP whole when it is longer than other lines may be', () => {
  const request = (bytes: number): string =>
    JSON.stringify({ resourceLogs: [{ schemaUrl: 'x'.repeat(bytes) }] })
  const cut = { format: 'text', attributes: { 'logbridge.line.truncated': true } }
  const otlp = (json: string): object => ({ format: 'otlp', json })
  const short = request(500)
  const [longest, tooLong] = [0, 1].map((more) => request(16 * 1024 * 1024 - request(0).length + more))
  const application = short.replace('resourceLogs', 'application')
  const input = Buffer.from(`${short}\n${application}\n`)
  for (const size of [3, 64, input.length]) {
    const chunks = Array.from({ length: Math.ceil(input.length / size) }, (_, index) =>
      input.subarray(index * size, (index + 1) * size),
    )
    expect(read(chunks, { maxLineBytes: 100 })).toMatchObject([otlp(short), cut])
  }
  // Beyond 16 MiB it is a text of the common limit.
  expect(read([longest!, '\n', tooLong!, '\n', short], { maxLineBytes: 100 })).toMatchObject([
    otlp(longest!),
    { ...cut, body: tooLong!.slice(0, 100) },
    otlp(short),
  ])
  // A container runtime divides lines at 16 KiB.
  const parts = [short.slice(0, 80), short.slice(80, 300), short.slice(300)]
  const wrapped = parts.map((part, index) => `2026-11-29T10:00:00Z stdout ${index < 2 ? 'P' : 'F'} ${part}\n`)
  expect(read(wrapped, { maxLineBytes: 300 })).toMatchObject([otlp(short)])
})

test('createLineReader unwraps lines of Docker and of CRI, and joins their parts by stream', () => {
  const docker = (log: string, stream: string): string =>
    `${JSON.stringify({ log, stream, time: '2026-11-29T10:00:00.000000001Z' })}\n`
  const cri = '2026-11-29T10:00:00.000000002Z'
  const records = read([
    docker('{"level":30,"time":17', 'stdout'),
    docker('oops\n', 'stderr'),
    docker('90000000000,"msg":"m"}\n', 'stdout'),
    `${cri} stdout P hel\n${cri} stdout F lo\n`,
  ])
  const byBody = Object.fromEntries(records.map((record) => [(record as ParsedRecord).body, record]))
  const stdout = { 'log.iostream': 'stdout' }
  expect(byBody).toMatchObject({
    m: { timestamp: [1_790_000_000, 0], observedTimestamp: [1_795_946_400, 1], attributes: stdout },
    oops: { timestamp: [1_795_946_400, 1], attributes: { 'log.iostream': 'stderr' } },
    hello: { timestamp: [1_795_946_400, 2], attributes: stdout },
  })
  expect(records).toHaveLength(3)
})

test('LineReader.position stays before a text that waits, and before an incomplete line', () => {
  const positions: number[] = []
  const reader = createLineReader({ onRecord: () => positions.push(reader.position) })
  reader.write(Buffer.from('one\ntwo\nhal'))
  expect(positions).toEqual([4])
  expect(reader.position).toBe(4)
  reader.flush()
  expect(reader.position).toBe(8)
  reader.write(Buffer.from('f\n'))
  reader.end()
  expect(positions).toEqual([4, 8, 13])
})
