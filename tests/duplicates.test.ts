import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const printedAgain = (library: string) =>
  new RegExp(`sent a ${library} record twice because ${library} prints it`)
const twice = (library: string) => new RegExp(`sent a ${library} record twice because @logbridge`)
const official = (library: string, name: string) =>
  new RegExp(
    `by @logbridge/${library} and by @opentelemetry/${name}.*OTEL_NODE_DISABLED_INSTRUMENTATIONS=${library} `,
  )

/** Numbers of records that arrive when two are logged, and the warning about duplicates. */
const scenarios: Record<string, { sent: number; warning?: RegExp }> = {
  'console first, then log4js': { sent: 4, warning: printedAgain('log4js') },
  'log4js first, then console': { sent: 4, warning: printedAgain('log4js') },
  'log4js loaded before bridgeConsole()': { sent: 2 },
  "winston's Console with forceConsole": {
    sent: 4,
    warning: printedAgain('winston'),
  },
  "winston's Console": { sent: 2 },
  'console bridged twice': { sent: 2, warning: /the console is already bridged/ },
  'winston: two transports': { sent: 4, warning: twice('winston') },
  'winston: a transport of the ES module, one of the CommonJS module': {
    sent: 4,
    warning: twice('winston'),
  },
  'winston: one transport added twice': { sent: 2 },
  'winston: two transports, two providers': { sent: 2 },
  'pino: two streams': { sent: 4, warning: twice('pino') },
  'pino: two loggers that log equal lines to wrapped streams': { sent: 4 },
  'bunyan: two streams': { sent: 4, warning: twice('bunyan') },
  'log4js: two appenders': { sent: 4, warning: twice('log4js') },
  'official winston transport': {
    sent: 4,
    warning: official('winston', 'winston-transport'),
  },
  'official winston instrumentation': {
    sent: 4,
    warning: official('winston', 'winston-transport'),
  },
  'official pino instrumentation': {
    sent: 4,
    warning: official('pino', 'instrumentation-pino'),
  },
  'official pino instrumentation, a child logger': {
    sent: 4,
    warning: official('pino', 'instrumentation-pino'),
  },
  'official pino instrumentation beside a worker with traceContext()': {
    sent: 2,
    warning: official('pino', 'instrumentation-pino'),
  },
  'official bunyan instrumentation': {
    sent: 4,
    warning: official('bunyan', 'instrumentation-bunyan'),
  },
  'official bunyan instrumentation, addStream': {
    sent: 4,
    warning: official('bunyan', 'instrumentation-bunyan'),
  },
  'official bunyan instrumentation, a higher level': { sent: 2 },
  'official bunyan instrumentation, SDK 2': { sent: 2 },
  'official instrumentations without log sending': { sent: 4 },
  'official winston transport, SDK 3': { sent: 2 },
  'official pino instrumentation, SDK 2': { sent: 2 },
  'console and winston with different texts': { sent: 3 },
  'console and winston with the same text': { sent: 4 },
  'an application that prints its records': { sent: 4 },
}

test.each(Object.entries(scenarios))(
  'adapters warn about duplicates with %s',
  (scenario, { sent, warning }) => {
    const program = fileURLToPath(new URL('fixtures/duplicates.mjs', import.meta.url))
    const { stdout, stderr } = spawnSync(process.execPath, [program, scenario], { encoding: 'utf8' })
    expect(stdout).toContain(`\nsent ${sent}\n`)
    const warnings = stderr.split('\n').filter((line) => /twice|already bridged/.test(line))
    expect(warnings).toEqual(warning ? [expect.stringMatching(warning)] : [])
  },
)
