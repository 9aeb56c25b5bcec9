import { inspect } from 'node:util'
import { toAnyValueMap } from '@logbridge/bridge/internal'
import {
  type BackendSession,
  type ConformanceRecord,
  memoryBackend,
  type Subject,
  type SubjectLogger,
} from '@logbridge/bridge/conformance'
import * as bunyanAdapter from '@logbridge/bunyan'
import * as consoleAdapter from '@logbridge/console'
import * as log4jsAdapter from '@logbridge/log4js'
import * as pinoAdapter from '@logbridge/pino'
import * as winstonAdapter from '@logbridge/winston'
import * as fc from 'fast-check'
import pinoLogger from 'pino'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createLineSubject } from '../packages/pino/test/subject.ts'
import { createSubjects } from './subjects.ts'
import { OMITTED, comparable, type Expected, named, finalize } from '@logbridge/test-support/expected'
import { attributes, text, value } from '@logbridge/test-support/values'

const [winston, pino, bunyan, log4js, console] = createSubjects({
  winston: winstonAdapter,
  pino: pinoAdapter,
  bunyan: bunyanAdapter,
  log4js: log4jsAdapter,
  console: consoleAdapter,
}) as [Subject, Subject, Subject, Subject, Subject]

const pinoByLine = createLineSubject(pinoAdapter)

// Any value through each library. The test support has the expected value; this file adds changes that a library makes before the
// adapter.

// recordsOf() recognizes an error of a library by its stack, which can be deep.
Error.stackTraceLimit = 100

interface Leveled {
  level?: unknown
}

let session: BackendSession
beforeEach(async () => {
  session = await memoryBackend.start()
})

async function create(subject: Subject): Promise<SubjectLogger> {
  const logger = await subject.create({ loggerProvider: session.loggerProvider })
  onTestFinished(() => logger.close())
  return logger
}

const THROWERS = /packages.\w+.(?:src|dist)|node_modules|internal.console/

/** Returns the records of a call. Skips a call that throws in the library, as it would without the adapter. */
async function recordsOf(call: () => void): Promise<ConformanceRecord[]> {
  try {
    call()
  } catch (error) {
    await session.records()
    const [thrower] = THROWERS.exec((error as Error).stack!) ?? []
    if (thrower?.startsWith('packages')) throw error
    fc.pre(false)
  }
  return session.records()
}

async function recordOf(call: () => void): Promise<ConformanceRecord> {
  const records = await recordsOf(call)
  expect(records).toHaveLength(1)
  const [record] = records as [ConformanceRecord]
  // The body is the whole line when pino writes malformed JSON, for example for an Infinity in a Float32Array in a cycle.
  fc.pre(typeof record.body !== 'string' || !record.body.startsWith('{"level":30,'))
  return record
}

/** Text without characters that winston takes for a placeholder or a color. */
const message = text.filter((any) => !any.includes('%') && !any.includes('\u001b'))
/** Fields for libraries that copy fields by assignment, where a getter that throws would throw into the application. */
const copied = attributes(true)

const libraries = [
  { subject: winston, level: 'info', fields: copied, adds: {} },
  { subject: bunyan, level: 'info', fields: copied, adds: {} },
  { subject: pino, level: 'info', fields: copied, adds: {} },
  { subject: log4js, level: 'INFO', fields: attributes(), adds: {} },
  { subject: console, level: 'info', fields: attributes(), adds: { 'log.iostream': 'stdout' } },
]

describe.each(libraries)('$subject.library', ({ subject, level, fields, adds }) => {
  test('sends the expected attributes when fields have any name and value', async () => {
    const logger = await create(subject)
    await fc.assert(
      fc.asyncProperty(fields, message, async (make, body) => {
        const [given, entries] = make()
        // bunyan overwrites `v`.
        fc.pre(!Object.hasOwn(given, 'v'))
        // pino's limits apply to a long line with a circular reference.
        fc.pre(subject !== pino || !inspect(entries, { depth: Infinity }).includes('[Circular]'))
        Object.assign(given, { sibling: 'here' })
        const record = await recordOf(() => logger.log(level, body, given as never))
        const present = entries.filter(([, expected]) => expected !== OMITTED)
        const expected = named(
          [...present, ['sibling', 'here'], ...Object.entries<Expected>(adds)],
          '[empty]',
        )
        expect(comparable(record.attributes)).toEqual(finalize(expected))
        expect(record.body).toBe(body.toWellFormed())
      }),
      { numRuns: 300 },
    )
  })
})

test('pino sends the values of its line when fields have any name and value, and the source is the line', async () => {
  const logger = await create(pinoByLine)
  let line = ''
  const plain = pinoLogger({ base: null, timestamp: false }, { write: (written) => void (line = written) })
  await fc.assert(
    fc.asyncProperty(copied, message, async (make, body) => {
      const [given] = make()
      Object.assign(given, { sibling: 'here' })
      const record = await recordOf(() => logger.log('info', body, given as never))
      plain.info(given, body)
      const { level: _, msg, ...written } = JSON.parse(line)
      expect(rounded(comparable(record.attributes))).toEqual(rounded(comparable(toAnyValueMap(written))))
      expect(record.attributes).toMatchObject({ sibling: 'here' })
      expect(record.body).toBe(body.toWellFormed())
      expect(msg).toBe(body)
    }),
    { numRuns: 300 },
  )
})

/** Rounds integers like JSON.parse, because the adapter reads them exactly. */
function rounded(comparable: unknown): unknown {
  if (typeof comparable === 'string' && /^-?\d{16,}$/.test(comparable)) return Number(comparable)
  if (Array.isArray(comparable)) return comparable.map(rounded)
  if (!(comparable instanceof Map)) return comparable
  return new Map([...comparable].map(([name, each]) => [name, rounded(each)]))
}

const reserved =
  'level message msg time timestamp name hostname pid v src stack label type err error exception cause errors splat ' +
  'data context code log.iostream console.group code.stacktrace otel.event.name exception.type exception.message'

/** Fields by which a library decides to log: the level of bunyan, `exception` of winston. */
const decidingFields = new Map<Subject, string>([
  [bunyan, 'level'],
  [winston, 'exception'],
])

describe.each(libraries)('$subject.library', ({ subject, level }) => {
  test('sends other fields when fields have names that the library or the bridge writes', async () => {
    const logger = await create(subject)
    const names = fc.constantFrom(
      ...reserved.split(' ').filter((name) => name !== decidingFields.get(subject)),
    )
    const own = fc.uniqueArray(fc.tuple(names, value), { selector: ([name]) => name })
    await fc.assert(
      fc.asyncProperty(own, async (makers) => {
        const given = Object.fromEntries(makers.map(([name, make]) => [name, make()[0]]))
        const record = await recordOf(() => logger.log(level, 'text', { ...given, sibling: 'here' }))
        expect(record.attributes).toMatchObject({ sibling: 'here' })
      }),
      { numRuns: 300 },
    )
  })

  test('sends one record when any value is logged alone', async () => {
    const logger = await create(subject)
    await fc.assert(
      fc.asyncProperty(value, async (make) => {
        const [given] = make()
        const { length } = await recordsOf(() => logger.log(level, given as never))
        // winston writes the level into the object and discards an object that does not keep the level.
        const isDiscarded =
          subject === winston && Object(given) === given && (given as Leveled).level !== level
        if (!isDiscarded) expect(length).toBe(1)
      }),
      { numRuns: 300 },
    )
  })

  test('formats any value', async () => {
    const logger = await create(subject)
    await fc.assert(
      fc.asyncProperty(fc.array(value, { maxLength: 9 }), async (makers) => {
        const given = makers.map((make) => make()[0])
        const template = '%s %d %i %f %j %o %O %c %% end'
        const { body } = await recordOf(() => logger.format!(template, ...given))
        expect(body).toMatch(/ %+ end/)
      }),
      { numRuns: 300 },
    )
  })
})
