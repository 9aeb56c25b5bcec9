import { expect, test } from 'vitest'
import { type ProgramOptions, useViewer } from './programs.ts'

const run = useViewer()

/** Node.js starts a program by other internal functions with `--import`. */
const REQUIRE = ['--require', '@logbridge/auto/cjs']

/** Removes the number that the path of each program has. */
function withoutNumber(output: string): string {
  return output.replaceAll(/program\d+/g, 'program')
}

/** Runs a program that prints stacks, without the preload and with it. */
async function expectSameStack(code: string, options: ProgramOptions): Promise<void> {
  const program = `globalThis.attempt = (act) => { try { act() } catch (error) { console.log(error.stack) } }\n${code}`
  const alone = await run(program, { ...options, args: [] })
  const attached = await run(program, options)
  expect(alone.stdout).toMatch(/^ {4}at /m)
  expect(withoutNumber(attached.stdout)).toBe(withoutNumber(alone.stdout))
}

const ERRORS: readonly (readonly [what: string, code: string])[] = [
  ['a module throws', `attempt(() => require('./throws.cjs'))`],
  ['a module does not parse', `attempt(() => require('./unparsable.cjs'))`],
  ['a module is missing', `attempt(() => require('./missing.cjs'))`],
  ['a module requires one that is missing', `attempt(() => require('./requires.cjs'))`],
  ['pino refuses a level', `attempt(() => require('pino')({ level: 'nope' }))`],
  ['pino refuses a level of a child', `attempt(() => require('pino')().child({}, { level: 'nope' }))`],
  ['winston refuses a transport', `attempt(() => require('winston').createLogger({ transports: [{}] }))`],
  [
    'bunyan refuses a stream',
    `attempt(() => require('bunyan').createLogger({ name: 'shop', streams: [{ type: 'nope' }] }))`,
  ],
  ['log4js refuses a configuration', `attempt(() => require('log4js').configure({ appenders: {} }))`],
]
const FILES = `
  const { writeFileSync } = require('node:fs')
  writeFileSync(__dirname + '/throws.cjs', 'throw new Error("at load")')
  writeFileSync(__dirname + '/unparsable.cjs', 'const = 1')
  writeFileSync(__dirname + '/requires.cjs', 'require("./missing.cjs")')
`

test.each(ERRORS)('install leaves the stack as it is when %s, in CommonJS', (_, code) =>
  expectSameStack(`${FILES}${code}`, { module: 'cjs', args: REQUIRE }),
)

test('install leaves the stack as it is when an ES module imports a module that throws', () =>
  expectSameStack(
    `import { writeFileSync } from 'node:fs'
    writeFileSync(new URL('throws.cjs', import.meta.url), 'throw new Error("at load")')
    await import('./throws.cjs').catch((error) => console.log(error.stack))`,
    { module: 'esm' },
  ))

const runExpress = useViewer(['@opentelemetry/instrumentation-express'])

test('instrumentImports stands in no stack when a module throws and a package is instrumented', async () => {
  const { stdout } = await runExpress(
    `const { writeFileSync } = require('node:fs')
    writeFileSync(__dirname + '/throws.cjs', 'throw new Error("at load")')
    require('express')
    try { require('./throws.cjs') } catch (error) { console.log(error.stack) }`,
    { module: 'cjs' },
  )
  // The frame of require-in-the-middle shows that the instrumentation is there.
  expect(stdout).toContain('require-in-the-middle')
  expect(stdout).not.toMatch(/packages\/(?:auto|bridge|core)\/dist/)
})

test('install leaves modules as they are when it watches their loads', async () => {
  const code = `
    require('pino')
    const modules = require('node:module')._cache
    console.log(module, Object.getOwnPropertyDescriptors(modules[require.resolve('pino')]).loaded)`
  const [alone, attached] = await Promise.all(
    [[], REQUIRE].map(async (args) => (await run(code, { module: 'cjs', args })).stdout),
  )
  expect(withoutNumber(attached!)).toBe(withoutNumber(alone!))
})
