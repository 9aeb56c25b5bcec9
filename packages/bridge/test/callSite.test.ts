import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const BRIDGE = new URL('../dist/internal.js', import.meta.url)
const APPLICATION = `
const attributes = []
const loggerProvider = { getLogger: () => ({ emit: (record) => attributes.push(record.attributes) }) }
const adapter = { library: 'shop', classify: () => ({ severityNumber: 9 }), convert: (body) => ({ body }) }
const bridge = createBridge(adapter, { loggerProvider, captureCode: true })
bridge.emit('placed')
bridge.emit('placed')
console.log(JSON.stringify(attributes))
`

/** Runs an application in one file with the bridge. ES modules of one scope are what a bundler makes one file of. */
async function runBundle(application: string): Promise<{ stdout: string; stderr: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'logbridge-bundle-'))
  try {
    const bundle = join(folder, 'bundle.mjs')
    await writeFile(bundle, (await readFile(fileURLToPath(BRIDGE), 'utf8')) + application)
    return await promisify(execFile)(process.execPath, [bundle])
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('captureCode warns once when one file contains the application and the bridge', async () => {
  const { stdout, stderr } = await runBundle(APPLICATION)
  expect(JSON.parse(stdout)).toEqual([{}, {}])
  expect(stderr).toMatch(
    /^logbridge: captureCode finds no call site because .*bundle\.mjs contains [^\n]*\n$/,
  )
})

test('captureCode finds the callers that the adapter returns when one file contains the application and the bridge', async () => {
  const { stdout, stderr } = await runBundle(
    APPLICATION.replace("library: 'shop',", "library: 'shop', callers: () => callSites(info),").replaceAll(
      "\nbridge.emit('placed')",
      "\n;(function checkout() { info('placed') })()",
    ) + 'function info(message) { bridge.emit(message) }',
  )
  expect(JSON.parse(stdout)).toEqual([
    expect.objectContaining({ 'code.function.name': 'checkout' }),
    expect.objectContaining({ 'code.function.name': 'checkout' }),
  ])
  expect(stderr).toBe('')
})
