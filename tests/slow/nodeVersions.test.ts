import { describe, expect, it } from 'vitest'
import { run } from '@logbridge/test-support/run'

/** The lowest version of `engines`, and the newest of each line after it. */
const ADAPTERS_RUN_ON = ['20.6.0', '22.15.0', '24', '26']
const CORE_RUNS_ON = ['22.15.0', '24', '26']

/** The instrumentation scope of a record, by library. */
const SCOPES = { bunyan: 'shop', console: 'console', log4js: 'shop', pino: 'shop', winston: 'winston' }

async function runOn(version: string, ...script: string[]): Promise<unknown> {
  return JSON.parse(await run('npx', ['-y', '-p', `node@${version}`, '--', 'node', ...script]))
}

it.each(['20.6.0', '26'])('runs the version of Node.js that is asked for: %s', async (version) => {
  const running = await run('npx', ['-y', '-p', `node@${version}`, '--', 'node', '--version'])
  expect(running.trim()).toMatch(new RegExp(`^v${version}(\\.|$)`))
})

describe.each(ADAPTERS_RUN_ON)('on Node.js %s', (version) => {
  it.each(Object.entries(SCOPES))('%s sends a record, imported and required', async (library, scope) => {
    const record = { scope, severityNumber: 9, body: 'hello' }
    expect(await runOn(version, 'fixtures/sendByAdapter.mjs', library)).toEqual([record, record])
  })
})

describe.each(CORE_RUNS_ON)('on Node.js %s', (version) => {
  it('core sends a record to the viewer over gRPC, imported and required', async () => {
    const record = { scope: 'shop', severityNumber: 9, body: 'hello' }
    expect(await runOn(version, 'fixtures/sendByCore.mjs')).toEqual([record, record])
  })

  it('core sends a record over gRPC and over HTTP when the process exits right after the log call', async () => {
    const record = { scope: 'shop', severityNumber: 9, body: 'hello' }
    expect(await runOn(version, 'fixtures/sendAtExit.mjs')).toEqual([record, record])
  })
})

it('the viewer says which Node.js it needs', async () => {
  const viewer = ['npx', '-y', '-p', 'node@20', '--', 'node', '../packages/viewer/dist/cli.js'].join(' ')
  const said = await run('sh', ['-c', `${viewer} 2>&1; true`])
  expect(said).toMatch(/^logbridge-viewer: Node\.js 22\.15 or later is needed; this is v20\.[\d.]+$/m)
})
