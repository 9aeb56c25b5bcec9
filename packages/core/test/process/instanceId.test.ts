import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { run } from '../programs.ts'
import { receiver } from '../receive.ts'

// Processes and threads of one application: each has telemetry of its own.

const receiving = receiver()
const TELEMETRY = fileURLToPath(new URL('../fixtures/telemetry.mjs', import.meta.url))
const FAMILY = new URL('../fixtures/family.mjs', import.meta.url)

/** Which ids came from which process and thread (`pid.thread`), and what each has logged. */
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

describe.each(['fork', 'cluster', 'thread'])('%s, while telemetry is still starting', (kind) => {
  test('each has an instance id of its own, and each record comes once', async () => {
    const { ids, bodies } = await family(kind)
    expect(ids.size).toBe(3)
    expect(new Set(ids.values()).size).toBe(3)
    // One early and one late of each.
    expect(bodies).toHaveLength(6)
    expect(new Set(bodies).size).toBe(6)
  })

  test('an id that all inherit by the environment is made one of each', async () => {
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

  test('an id that the code sets is left alone', async () => {
    const { ids } = await family(kind, {
      ID_BY_CODE: 'mine',
      OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=pod-1',
    })
    expect(new Set(ids.values())).toEqual(new Set(['mine']))
  })
})

test('a LoggerProvider that is not registered, as that of pino in its worker, shares the inherited id', async () => {
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

describe('a startup snapshot', () => {
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
    'cannot hold %s, and says what to do',
    async (what) => {
      const call = what.endsWith('()') ? `load().${what}` : `new (load().${what})()`
      const { built } = await snapshot(call)
      expect(built.code).toBe(1)
      expect(built.stderr).toContain(
        `LogbridgeError: ${what} cannot be part of a startup snapshot: load @logbridge/core`,
      )
    },
  )

  test('of which each process starts its own telemetry', async () => {
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
