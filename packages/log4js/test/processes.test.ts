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

test("log4js finds the appender by the package's name", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'log4js-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, '@logbridge'))
  await symlink(fileURLToPath(new URL('..', import.meta.url)), join(folder, '@logbridge', 'log4js'), 'dir')
  expect(await run('byName.cjs', { NODE_PATH: folder })).toEqual([
    { scope: 'shop', body: 'by name', attributes: { id: 7, region: 'eu' } },
  ])
})

test('events of a cluster worker', async () => {
  const { workerPid, emitted } = (await run('cluster.mjs')) as { workerPid: number; emitted: object[] }
  const origin = { pid: workerPid, cluster: { workerId: 1, worker: workerPid } }
  expect(emitted).toMatchObject([
    { scope: 'worker', body: 'one of 3', severityNumber: 9, attributes: { id: 7, ...origin } },
    {
      body: 'failed',
      severityText: 'ERROR',
      attributes: {
        'exception.message': 'boom',
        'exception.stacktrace': expect.stringMatching(/^TypeError: boom\n/),
        error: { code: 'E_BOOM' },
        ...origin,
      },
    },
    { body: 'a level that the primary does not know', severityNumber: 0 },
  ])
  for (const record of emitted) expect(record).not.toHaveProperty('span')
})
