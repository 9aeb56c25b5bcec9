import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApplication } from './programs.ts'

const rootFolder = fileURLToPath(new URL('../../..', import.meta.url))
let folder: string

/** Preload that notes the script of each process, and if the preload before it has loaded its second half or core. */
const NOTE = `
  import { appendFileSync } from 'node:fs'
  import { Module } from 'node:module'
  import { basename } from 'node:path'
  process.on('exit', () => {
    const loaded = Object.keys(Module._cache).some((file) => file.endsWith('attach.cjs'))
    appendFileSync(process.env.NOTES, basename(process.argv[1] ?? '') + ' ' + loaded + '\\n')
  })`

/** Command of a package that hears from its child by a socket in the file system, as tsx does. */
const SOCKET_TOOL = `
  const { createServer } = require('node:net')
  const { join } = require('node:path')
  const server = createServer().listen(join(__dirname, 'socket'), () => server.close())`

beforeAll(async () => {
  folder = await createApplication(['@opentelemetry/instrumentation-http'], { scripts: { hello: 'echo 42' } })
  await writeFile(join(folder, 'note.mjs'), NOTE)
  await mkdir(join(folder, 'node_modules/tool'))
  await writeFile(join(folder, 'node_modules/tool/tool.cjs'), SOCKET_TOOL)
})
afterAll(() => rm(folder, { recursive: true }))

async function runTool(
  command: readonly string[],
  nodeOptions: string,
): Promise<{ stdout: string; stderr: string }> {
  const [file = '', ...args] = command
  const env = { ...process.env, NODE_OPTIONS: nodeOptions, NOTES: join(folder, 'notes') }
  const { stdout, stderr } = await promisify(execFile)(file, args, { cwd: folder, env })
  return { stdout, stderr }
}

test.each([
  ['npm', ['npm', 'run', 'hello'], 1],
  ['npx', ['npx', '--version'], 1],
  ['a command that listens on a socket', ['node', 'node_modules/tool/tool.cjs'], 1],
  ['tsc', [join(rootFolder, 'node_modules/.bin/tsc'), '--version'], 1],
])('install starts nothing when %s inherits NODE_OPTIONS', async (_, command, count) => {
  await writeFile(join(folder, 'notes'), '')
  const preloaded = await runTool(command, '--import @logbridge/auto --import ./note.mjs')
  const notes = (await readFile(join(folder, 'notes'), 'utf8')).trimEnd().split('\n')
  expect(notes).toHaveLength(count)
  expect(notes.filter((note) => !note.endsWith(' false'))).toEqual([])
  expect(preloaded).toEqual(await runTool(command, ''))
})
