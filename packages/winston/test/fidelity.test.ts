import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import newest, { type Logger, type LoggerOptions } from 'winston'
import { memoryBackend } from '@logbridge/bridge/conformance'
import { OtelTransport } from '../src/index.ts'
import { versions, type Winston } from './versions.ts'

type Case = [name: string, options: LoggerOptions, run: (logger: Logger) => void]

/** Asserts that the record which arrives equals the JSON that winston's own transport prints. */
async function expectPrinted(winston: Winston, options: LoggerOptions, run: (logger: Logger) => void) {
  const printed: unknown[] = []
  const stream = new Writable({
    write(line: Buffer, _, next) {
      printed.push(JSON.parse(line.toString()))
      next()
    },
  })
  const session = await memoryBackend.start()
  const { loggerProvider } = session
  const json = new winston.transports.Stream({ stream, format: winston.format.json() })
  const transports = [json, new OtelTransport({ loggerProvider })]
  const level = Object.keys(options.levels ?? winston.config.npm.levels).at(-1)!
  run(winston.createLogger({ level, ...options, transports }))

  const arrived = await session.records()
  expect(arrived.length).toBeGreaterThan(0)
  expect(
    arrived.map((record) => ({ level: record.severityText, message: record.body, ...record.attributes })),
  ).toEqual(printed)
}

const meta = () => ({ user: { id: 7, tags: ['a', 'b'] }, ok: true, ratio: 0.5, none: null })
const record = () => ({ level: 'info', message: 'x', ...meta() })
const loop: Record<string, unknown> = { name: 'loop' }
loop['self'] = loop
const logAll = (levels: object) => (logger: Logger) =>
  Object.keys(levels).forEach((level) => logger.log(level, `at ${level}`, meta()))
const logTop = (logger: Logger) => void (logger as never as { top: Logger['info'] }).top('x', meta())

describe.each(versions)('OtelTransport sends the fields of the JSON of %s', (_, winston) => {
  const { config, format } = winston
  const splat = { format: format.splat() }
  const metadata = { format: format.metadata() }
  const ranked = { top: 0, low: 5 }

  test.each<Case>([
    ['npm levels', {}, logAll(config.npm.levels)],
    ['syslog levels', { levels: config.syslog.levels }, logAll(config.syslog.levels)],
    ['cli levels', { levels: config.cli.levels }, logAll(config.cli.levels)],
    ['custom levels', { levels: ranked }, logAll(ranked)],
    ['a level by its own method', { levels: ranked }, logTop],
    ['an object as record', {}, (logger) => logger.log(record())],
    ['an object as argument of a level', {}, (logger) => logger.info(record())],
    ['write(), as streams call it', {}, (logger) => logger.write(record())],
    ['splat', splat, (logger) => logger.info('%s has %d of %j', 'cart', 3, { max: 4 })],
    [
      'every token',
      splat,
      (logger) => logger.info('%s%d%i%f%j%o%O%c%%', 'a', 1, 2.5, 3.5, [4], {}, {}, 'css', meta()),
    ],
    ['splat and fields', splat, (logger) => logger.log('info', '%s%%', 50, meta())],
    ['splat in the record', splat, (logger) => logger.log({ ...record(), message: '%s', splat: ['x'] })],
    ['format.metadata()', metadata, (logger) => logger.info('x', meta())],
    ['a circular field', {}, (logger) => logger.info('x', { loop })],
    ['a timer', {}, (logger) => logger.startTimer().done({ message: 'timed', ...meta() })],
  ])('when the logger is used with %s', (_, options, run) => expectPrinted(winston, options, run))
})

// winston 3.0 has neither child loggers nor defaultMeta.
describe('OtelTransport sends the fields of the JSON of winston 3.19', () => {
  const splat = { format: newest.format.splat() }
  const withDefaults = (a: number) => ({ defaultMeta: { a, d: a } })

  test.each<Case>([
    ['a child', {}, (logger) => logger.child(meta()).info('x', { own: 1 })],
    [
      'a child of a child',
      {},
      (logger) => logger.child({ a: 1, b: 1 }).child({ b: 2, c: 2 }).info('x', { c: 3 }),
    ],
    ['several children', {}, (logger) => [1, 2, 3].forEach((id) => logger.child({ id }).info('x'))],
    ['a child that logs a record', {}, (logger) => logger.child({ a: 1 }).log(record())],
    ['a child and splat', splat, (logger) => logger.child({ a: 1 }).info('%s', 'x', { b: 2 })],
    ['defaultMeta', withDefaults(0), (logger) => logger.info('x', { a: 1 })],
    ['a child and defaultMeta', withDefaults(0), (logger) => logger.child({ a: 1 }).info('x', { b: 2 })],
  ])('when the logger is used with %s', (_, options, run) => expectPrinted(newest, options, run))
})
