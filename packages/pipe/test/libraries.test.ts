/** Runs the real libraries where they are installed, and compares their records with those of the fixtures. */
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { SerializedError } from '@logbridge/bridge'
import { trace } from '@opentelemetry/api'
import { afterAll, beforeAll, expect } from 'vitest'
import { linesOf, parseRecord } from './conformance.ts'
import { GO_ENVIRONMENT, GO_PACKAGES, PYTHON, pythonModule, testWith } from './installed.ts'

const JARS = '/usr/share/java'
const CLASS_PATH = [
  'logstash-logback-encoder',
  'logback-classic',
  'logback-core',
  'slf4j-api',
  'jackson-core',
  'jackson-databind',
  'jackson-annotations',
].map((name) => join(JARS, `${name}.jar`))
/** Format of Python's logging in the fixture. */
const LOGGING_FORMAT = '%(asctime)s %(levelname)s %(name)s %(message)s'

const emit = (name: string): string => fileURLToPath(new URL(`fixtures/emit/${name}`, import.meta.url))
const go = (name: string): string => join(GO_PACKAGES, 'src', name)

interface Program {
  /** Fixture without `.jsonl`. */
  readonly fixture: string
  readonly command: readonly string[]
  /** Files of the Debian packages that the program needs. */
  readonly needs: readonly string[]
  readonly isLong?: boolean
}

const python = (fixture: string, module: string, script: string, ...args: string[]): Program => ({
  fixture,
  command: [PYTHON, emit(script), ...args],
  needs: pythonModule(module),
})
const golang = (fixture: string, argument: string, library: string): Program => ({
  fixture,
  command: ['go', 'run', 'main.go', argument],
  needs: ['/usr/bin/go', go('go.uber.org/zap'), go('github.com/rs/zerolog'), go(library)],
  isLong: true,
})
const node = (fixture: string): Program => ({
  fixture,
  command: [process.execPath, emit('node.mjs'), fixture],
  needs: [],
})

const PROGRAMS: readonly Program[] = [
  python('loguru', 'loguru', 'loguru_lines.py'),
  python('structlog-iso', 'structlog', 'structlog_lines.py', 'iso'),
  python('structlog-dict', 'structlog', 'structlog_lines.py', 'dict'),
  python('structlog-unix', 'structlog', 'structlog_lines.py', 'unix'),
  python('structlog-local', 'structlog', 'structlog_lines.py', 'local'),
  python('logbook', 'logbook', 'logbook_lines.py'),
  python('python-json-logger', 'pythonjsonlogger', 'jsonlogger_lines.py', LOGGING_FORMAT),
  python('python-json-logger-default', 'pythonjsonlogger', 'jsonlogger_lines.py', 'default'),
  golang('zap', 'zap', 'go.uber.org/zap'),
  golang('zap-development', 'zapdev', 'go.uber.org/zap'),
  golang('zerolog', 'zerolog', 'github.com/rs/zerolog'),
  golang('logrus', 'logrus', 'github.com/sirupsen/logrus'),
  {
    fixture: 'logstash',
    command: ['java', '-Dfile.encoding=UTF-8', '-cp', CLASS_PATH.join(':'), emit('Logstash.java'), 'callers'],
    needs: ['/usr/bin/java', ...CLASS_PATH],
    isLong: true,
  },
  ...['pino', 'bunyan', 'winston', 'log4js', 'ecs-pino', 'ecs-winston'].map(node),
]

/** Attributes that differ from run to run, and stacks. */
const VARIABLE = new Set([
  'pid',
  'hostname',
  'host.hostname',
  'process.pid',
  'thread.id',
  'elapsed.seconds',
  'stack',
  'error.cause',
  'code.file.path',
  'code.line.number',
  'code.stacktrace',
])

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'logbridge-lines-'))
  await copyFile(emit('lines.go.txt'), join(folder, 'main.go'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

for (const { fixture, command, needs, isLong } of PROGRAMS) {
  const title = `the lines of ${fixture} are those that the library writes`
  testWith(fixture, needs)(title, isLong === true ? { tags: ['long'] } : {}, async () => {
    const [file = '', ...args] = command
    const { stdout } = await promisify(execFile)(file, args, {
      cwd: folder,
      env: {
        ...process.env,
        ...GO_ENVIRONMENT,
        GOCACHE: join(folder, 'cache'),
      },
    })
    const written = stdout.split('\n').filter(Boolean)
    expect(written.map(essence)).toEqual(linesOf(`${fixture}.jsonl`).map(essence))
  })
}

/** Returns what each run gives, of a record. */
function essence(line: string): object {
  const { context, timestamp, exception, ...rest } = parseRecord(line)
  const { type, message, stack } = (exception ?? {}) as SerializedError
  return {
    ...(withoutVariable(rest) as object),
    hasTime: timestamp !== undefined,
    span: context && trace.getSpanContext(context),
    exception: [type, message, typeof stack],
  }
}

/** Replaces the values of variable attributes by their types, at any depth. */
function withoutVariable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutVariable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([key, each]) => [key, VARIABLE.has(key) ? typeof each : withoutVariable(each)]),
  )
}
