import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { run } from '../programs.ts'
import { receiver } from '../receive.ts'

// Processes and threads of one application, each with separate telemetry.

const receiving = receiver()
const TELEMETRY = fileURLToPath(new URL('../fixtures/telemetry.mjs', import.meta.url))
const FAMILY = new URL('../fixtures/family.mjs', import.meta.url)

/** Ids and records by process and thread (`pid.thread`). */
async function family(
  kind: string,
  env: Record<string, string> = {},
): Promise<{ ids: Map<string, string>; bodies: string[] }> {
  const ended = await run(FAMILY, {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiving.grpcUrl(), ...env },
    execArgv: ['--import', TELEMETRY],
    args: [kind],
  })
  expect(ended).toEqual({ code: 0, stdout: '', stderr: '' })
  const records = receiving.take()
  const bodies = records.map(({ body }) => body as string)
  const ids = records.map(
    ({ body, resource }) =>
      [(body as string).split(' ')[1]!, String(resource.attributes['service.instance.id'])] as const,
  )
  return { ids: new Map(ids), bodies }
}

describe.each(['fork', 'cluster', 'thread'])('%s during the start of telemetry', (kind) => {
  test('has a separate service.instance.id and sends each record once', async () => {
    const { ids, bodies } = await family(kind)
    expect(ids.size).toBe(3)
    expect(new Set(ids.values()).size).toBe(3)
    // Each process or thread logs one early and one late record.
    expect(bodies).toHaveLength(6)
    expect(new Set(bodies).size).toBe(6)
  })

  test('derives a separate id from an inherited id', async () => {
    const { ids } = await family(kind, { OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=pod-1' })
    const [parent, ...others] = [...ids.values()].toSorted((a, b) => a.length - b.length)
    expect(parent).toBe('pod-1')
    expect(new Set(others).size).toBe(2)
    for (const [from, id] of ids) {
      if (id === parent) continue
      const [pid, thread] = from.split('.')
      expect(id).toBe(kind === 'thread' ? `pod-1.${pid}.${thread}` : `pod-1.${pid}`)
    }
  })

  test('keeps an id that the code sets', async () => {
    const { ids } = await family(kind, {
      ID_BY_CODE: 'mine',
      OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=pod-1',
    })
    expect(new Set(ids.values())).toEqual(new Set(['mine']))
  })
})

test("LoggerProvider keeps the inherited id when it is not registered, as in pino's worker", async () => {
  const log = `const { createLoggerProvider } = require('@logbridge/core')
    createLoggerProvider({ register: false }).getLogger('l').emit({ body: 'hello' })`
  await run(
    `const { Worker } = require('node:worker_threads'); new Worker(${JSON.stringify(log)}, { eval: true })`,
    {
      type: 'commonjs',
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiving.grpcUrl(),
        OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=pod-1',
      },
    },
  )
  expect(receiving.take().map(({ resource }) => resource.attributes['service.instance.id'])).toEqual([
    'pod-1',
  ])
})

describe('checkStart', () => {
  async function snapshot(program: string) {
    const folder = await mkdtemp(join(tmpdir(), 'logbridge-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'entry.cjs')
    const blob = join(folder, 'snapshot.blob')
    const core = fileURLToPath(new URL('../../', import.meta.url))
    await writeFile(
      file,
      `const load = () => require('node:module').createRequire(${JSON.stringify(core)})('@logbridge/core')
      ${program}`,
    )
    const execArgv = ['--snapshot-blob', blob]
    const built = await run(new URL(`file://${file}`), { execArgv: [...execArgv, '--build-snapshot'] })
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiving.grpcUrl() }
    return { built, start: () => run(new URL(`file://${file}`), { execArgv, env }) }
  }

  test.each(['startTelemetry()', 'createLoggerProvider()', 'OtlpLogRecordProcessor'])(
    'rejects %s with an error that says what to do',
    async (what) => {
      const call = what.endsWith('()') ? `load().${what}` : `new (load().${what})()`
      const { built } = await snapshot(call)
      expect(built.code).toBe(1)
      expect(built.stderr).toContain(
        `LogbridgeError: ${what} cannot be part of a startup snapshot: load @logbridge/core`,
      )
    },
  )

  test('lets each process start its telemetry', async () => {
    const { built, start } = await snapshot(`
      require('node:v8').startupSnapshot.setDeserializeMainFunction(() => {
        load().startTelemetry({ traces: false, metrics: false }).loggerProvider.getLogger('l').emit({ body: 'hello' })
      })`)
    expect(built).toMatchObject({ code: 0 })
    expect(await Promise.all([start(), start()])).toMatchObject([{ code: 0 }, { code: 0 }])
    const ids = receiving.take().map(({ resource }) => resource.attributes['service.instance.id'])
    expect(ids).toHaveLength(2)
    expect(new Set(ids).size).toBe(2)
  })
})
