import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

// These run the built package.
async function run(fixture: string, env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const file = fileURLToPath(new URL(`fixtures/${fixture}`, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env: { ...process.env, ...env } })
  return JSON.parse(stdout)
}

test('log4js finds the appender when its type is the name of the package', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'log4js-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, '@logbridge'))
  await symlink(fileURLToPath(new URL('..', import.meta.url)), join(folder, '@logbridge', 'log4js'), 'dir')
  expect(await run('byName.cjs', { NODE_PATH: folder })).toEqual([
    { scope: 'shop', body: 'by name', attributes: { id: 7, region: 'eu' } },
  ])
})

interface ClusterOutput {
  workerPid: number
  emitted: { body: string }[]
  contexts: object[]
}

test('appender sends events of a cluster worker when they come through the primary', async () => {
  const { workerPid, emitted, contexts } = (await run('cluster.mjs')) as ClusterOutput
  const origin = { pid: workerPid, cluster: { workerId: 1, worker: workerPid } }
  expect(emitted).toEqual([
    expect.objectContaining({
      scope: 'worker',
      body: 'one of 3',
      severityNumber: 9,
      attributes: { tenant: 'a', id: 7, ...origin },
    }),
    expect.objectContaining({
      body: 'failed',
      severityText: 'ERROR',
      attributes: {
        'exception.type': 'TypeError',
        'exception.message': 'boom',
        'exception.stacktrace': expect.stringMatching(/^TypeError: boom\n/),
        error: { code: 'E_BOOM' },
        tenant: 'a',
        ...origin,
      },
    }),
    expect.objectContaining({ body: 'a level that the primary may not know', severityNumber: 0 }),
    expect.objectContaining({
      body: 'in a span',
      attributes: { tenant: 'a', ...origin },
      span: { traceId: '3'.repeat(32), spanId: '3'.repeat(16), traceFlags: 1, isRemote: true },
    }),
  ])
  for (const record of emitted.slice(0, 3)) expect(record).not.toHaveProperty('span')
  // The other appenders do not see the field that carried the span.
  expect(contexts).toEqual(emitted.map(() => ({ tenant: 'a' })))
})

test('appender sends events of a cluster worker when the worker has its own appenders', async () => {
  const { emitted, contexts } = (await run('cluster.mjs', { DISABLE_CLUSTERING: '1' })) as ClusterOutput
  expect(emitted).toMatchObject([
    { body: 'one of 3', attributes: { id: 7 } },
    { body: 'failed', attributes: { 'exception.type': 'TypeError', error: { code: 'E_BOOM' } } },
    { body: 'a level that the primary may not know', severityNumber: 15, severityText: 'ONLY_HERE' },
    { body: 'in a span', attributes: { tenant: 'a' }, span: { traceId: '3'.repeat(32) } },
  ])
  for (const record of emitted) expect(record).not.toHaveProperty('attributes.pid')
  expect(contexts).toEqual([])
})

test('appender sends events of the instances of pm2 when they come through the first', async () => {
  expect(await run('pm2.mjs')).toEqual([
    { body: '0', attributes: {}, traceId: '5'.repeat(32) },
    { body: '1', attributes: { pid: expect.any(Number) }, traceId: '1'.repeat(32) },
  ])
})
