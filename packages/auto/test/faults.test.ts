import { expect, test } from 'vitest'
import { useViewer } from './programs.ts'

const run = useViewer()
const LOG = `
  require('bunyan').createLogger({ name: 'shop', stream: { write() {} } }).info('placed')
  require('pino')({ write() {} }).info('paid')`

/** Runs code before the preload, in one process with the preload and a program that logs. */
function runAfter(code: string): ReturnType<typeof run> {
  const text = encodeURIComponent(`import Module from 'node:module'; ${code}`)
  return run(LOG, {
    module: 'cjs',
    args: ['--import', `data:text/javascript,${text}`, '--import', '@logbridge/auto'],
  })
}

test('withoutFaults lets the application run when Module.prototype is frozen', async () => {
  const { stderr } = await runAfter('Object.freeze(Module.prototype)')
  expect(stderr).toMatch(/^logbridge: @logbridge\/auto does not attach everything: TypeError: [^\n]*\n$/)
})

test('watchThreads counts nothing when there is no SharedArrayBuffer', async () => {
  const { records, stderr } = await runAfter('delete globalThis.SharedArrayBuffer')
  expect(records.map(({ body }) => body)).toEqual(['placed', 'paid'])
  expect(stderr).toBe('')
})

test('onModuleLoad assigns `loaded` when an object inherits from Module without its constructor', async () => {
  const { stdout } = await run(
    `const { prototype } = require('node:module')
    const inheriting = Object.create(prototype)
    inheriting.loaded = true
    console.log(Object.getOwnPropertyDescriptor(inheriting, 'loaded'))`,
    { module: 'cjs' },
  )
  expect(stdout).toBe('{ value: true, writable: true, enumerable: true, configurable: true }\n')
})
