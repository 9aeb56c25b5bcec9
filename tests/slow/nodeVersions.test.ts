import { describe, expect, it } from 'vitest'
import { run } from '@logbridge/test-support/run'

/** Lowest version of `engines`, and the newest version of each later release line. */
const ADAPTERS_RUN_ON = ['20.6.0', '22.15.0', '24', '26']
const CORE_RUNS_ON = ['22.15.0', '24', '26']

/** Instrumentation scopes by library. */
const SCOPES = { bunyan: 'shop', console: 'console', log4js: 'shop', pino: 'shop', winston: 'winston' }

async function runOn(version: string, ...script: string[]): Promise<unknown> {
  return JSON.parse(await run('npx', ['-y', '-p', `node@${version}`, '--', 'node', ...script]))
}

it.each(['20.6.0', '26'])('runOn runs Node.js %s', async (version) => {
  const running = await run('npx', ['-y', '-p', `node@${version}`, '--', 'node', '--version'])
  expect(running.trim()).toMatch(new RegExp(`^v${version}(\\.|$)`))
})

describe.each(ADAPTERS_RUN_ON)('on Node.js %s', (version) => {
  it.each(Object.entries(SCOPES))(
    '%s sends a record when it is imported and when it is required',
    async (library, scope) => {
      const record = { scope, severityNumber: 9, body: 'hello' }
      expect(await runOn(version, 'fixtures/sendByAdapter.mjs', library)).toEqual([record, record])
    },
  )
})

describe.each(CORE_RUNS_ON)('on Node.js %s', (version) => {
  it('core sends a record to the viewer over gRPC when it is imported and when it is required', async () => {
    const record = { scope: 'shop', severityNumber: 9, body: 'hello' }
    expect(await runOn(version, 'fixtures/sendByCore.mjs')).toEqual([record, record])
  })

  it('core sends a record over gRPC and over HTTP when the process exits after the log call', async () => {
    const record = { scope: 'shop', severityNumber: 9, body: 'hello' }
    expect(await runOn(version, 'fixtures/sendAtExit.mjs')).toEqual([record, record])
  })
})

it('logbridge-viewer prints the required version when Node.js is too old', async () => {
  const viewer = ['npx', '-y', '-p', 'node@20', '--', 'node', '../packages/viewer/dist/cli.js'].join(' ')
  const output = await run('sh', ['-c', `${viewer} 2>&1; true`])
  expect(output).toMatch(/^logbridge-viewer: Node\.js 22\.15 or later is needed; this is 20\.[\d.]+$/m)
})
