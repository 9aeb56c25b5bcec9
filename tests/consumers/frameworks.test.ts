import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'
import { afterAll, expect, it } from 'vitest'
import { freePort } from '@logbridge/test-support/ports'
import { installProject } from '@logbridge/test-support/project'

/** Record as a program prints it and as it arrives. */
interface Comparable {
  body: unknown
  severityNumber: number | undefined
  /** Attributes without those of the exception. */
  attributes: Record<string, unknown>
}

/** Program of Redis in Debian's package redis-tools: the server, when its name is `redis-server`. */
const REDIS = '/usr/bin/redis-check-rdb'

/** Severity numbers of the levels of pino, bunyan, and winston. */
const SEVERITIES: Record<string, number> = { 30: 9, 40: 13, 50: 17, info: 9, warn: 13, error: 17 }

const NO_STOCK = ['RangeError', 'no stock']
const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
afterAll(() => viewer.close())
let received: ReceivedLogRecord[] = []
viewer.on('logs', (records) => received.push(...records))
const project = await installProject('frameworks')

it.each([
  { program: 'fastify.js', exceptions: [NO_STOCK] },
  { program: 'express.js', exceptions: [NO_STOCK] },
  { program: 'nest.js', exceptions: [NO_STOCK, ['TypeError', 'no price']] },
  { program: 'koa.js', exceptions: [NO_STOCK] },
  { program: 'strapi.js', exceptions: [NO_STOCK] },
  { program: 'ghost.js', exceptions: [NO_STOCK] },
  { program: 'moleculer.js', exceptions: [NO_STOCK] },
  { program: 'piscina.js', exceptions: [NO_STOCK] },
])('$program sends each record that it prints', ({ program, exceptions }) => compare(program, exceptions))

it.skipIf(!existsSync(REDIS) && process.env['CI'] !== 'true')(
  'bullmq.js sends each record that it prints',
  async () => {
    const port = await freePort()
    const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '']
    const redis = spawn(REDIS, args, { argv0: 'redis-server', cwd: project.folder, stdio: 'ignore' })
    await once(redis, 'spawn')
    try {
      await compare('bullmq.js', [NO_STOCK], { REDIS_PORT: `${port}` })
    } finally {
      redis.kill()
      await once(redis, 'exit')
    }
  },
)

/** Runs a program, and compares the JSON lines that it prints with the records that arrive. */
async function compare(
  program: string,
  exceptions: readonly string[][],
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  received = []
  const stdout = await project.run('node', [program], {
    OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl,
    ...env,
  })
  const lines = stdout.trim().split('\n')
  expect(sorted(received.map(arrivedRecord))).toEqual(sorted(lines.map(printedRecord)))

  const thrown = received.filter(({ attributes }) => 'exception.type' in attributes)
  expect(
    thrown.map(({ attributes }) => [attributes['exception.type'], attributes['exception.message']]),
  ).toEqual(exceptions)
  for (const { body, attributes } of thrown) {
    // Strapi has the stack in the message.
    const stack = attributes['exception.stacktrace'] ?? body
    expect(stdout).toContain(JSON.stringify(stack).slice(1, -1))
  }
}

function printedRecord(line: string): Comparable {
  const { level, msg, message = msg, ...fields } = JSON.parse(line) as Record<string, unknown>
  for (const added of ['time', 'pid', 'hostname', 'name', 'v']) delete fields[added]
  // express-winston puts all fields into `meta`.
  for (const holder of [fields, fields['meta'] ?? {}]) removeException(holder as Record<string, unknown>)
  return { body: message, severityNumber: SEVERITIES[String(level)], attributes: fields }
}

/** Removes what arrives as an exception: an error but for its own fields, and its stack. */
function removeException(fields: Record<string, unknown>): void {
  delete fields['stack']
  for (const key of ['err', 'error']) {
    const { type: _type, name: _name, message: _message, stack: _stack, ...own } = Object(fields[key])
    if (Object.keys(own).length > 0) fields[key] = own
    else delete fields[key]
  }
}

function arrivedRecord({ body, severityNumber, attributes }: ReceivedLogRecord): Comparable {
  const own = Object.entries(attributes).filter(([key]) => !key.startsWith('exception.'))
  return { body, severityNumber, attributes: Object.fromEntries(own) }
}

/** Sorts records, because those of threads arrive in any order. */
function sorted(records: readonly Comparable[]): Comparable[] {
  return records.toSorted((a, b) => sortKey(a).localeCompare(sortKey(b)))
}

function sortKey({ body, severityNumber, attributes }: Comparable): string {
  return `${severityNumber} ${String(body)} ${JSON.stringify(attributes['order'])}`
}
