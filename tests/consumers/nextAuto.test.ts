import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '@logbridge/test-support/ports'
import { installProject } from '@logbridge/test-support/project'

const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
afterAll(() => viewer.close())
let records: ReceivedLogRecord[] = []
viewer.on('logs', (arrived) => records.push(...arrived))
const project = await installProject('nextAuto')

describe.each(['turbopack', 'webpack'])('built by %s', { tags: 'long' }, (bundler) => {
  beforeAll(async () => {
    await rm(join(project.folder, '.next'), { recursive: true, force: true })
    await project.run('npx', ['next', 'build', `--${bundler}`], { NEXT_TELEMETRY_DISABLED: '1' })
  })

  test.each([
    ['instrumentation.ts imports it', {}],
    ['it stands in NODE_OPTIONS', { NODE_OPTIONS: '--import @logbridge/auto', BY_FLAG_ALONE: '1' }],
    ['it is there in both ways', { NODE_OPTIONS: '--import @logbridge/auto' }],
  ])('auto sends each record of a request once, with the trace of the request, when %s', async (_, env) => {
    records = []
    await whileServing(env, async (url) => {
      for (const count of [4, 8]) {
        expect(await (await fetch(`${url}/api/order`)).json()).toEqual({ ok: true })
        await viewer.waitFor(() => records.length >= count, 30_000)
      }
      // The server reads the answer to its export before it ends. At its end it would send an open request again.
      for (const path of ['/a', '/b']) await fetch(`${url}${path}`)
    })
    const traces = Map.groupBy(records, ({ traceId }) => traceId)
    expect(traces.keys().toArray()).toEqual([
      expect.stringMatching(/^[\da-f]{32}$/),
      expect.stringMatching(/^[\da-f]{32}$/),
    ])
    for (const request of traces.values()) {
      expect(request.map(({ body }) => String(body)).toSorted()).toEqual([
        'by bunyan',
        'by log4js',
        'by pino',
        'by winston',
      ])
    }
  })
})

/** Runs `next start` while `use` runs. */
async function whileServing(env: NodeJS.ProcessEnv, use: (url: string) => Promise<void>): Promise<void> {
  // Next.js ignores port 0.
  const port = await freePort()
  const { VITEST: _, ...outer } = process.env
  const variables = {
    ...outer,
    NODE_ENV: 'production',
    NODE_PATH: '',
    OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl,
    OTEL_METRICS_EXPORTER: 'none',
    ...env,
  } as const
  const args = ['node_modules/next/dist/bin/next', 'start', '--port', `${port}`, '--hostname', '127.0.0.1']
  const server = spawn(process.execPath, args, {
    cwd: project.folder,
    env: variables,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    for await (const line of createInterface(server.stdout)) if (line.includes('Ready')) break
    server.stdout.resume()
    await use(`http://127.0.0.1:${port}`)
  } finally {
    if (server.exitCode === null) {
      server.kill()
      await once(server, 'exit')
    }
  }
}
