import { expect, test } from 'vitest'
import { type ProgramOptions, type Run, useViewer } from './programs.ts'

const run = useViewer()
const ATTACHED: ProgramOptions = { module: 'cjs' }
const CREATE = `
  const { inspect } = require('node:util')
  const winston = require('winston')
  const bunyan = require('bunyan')
  const transport = () => new winston.transports.Console({ silent: true })
  const logger = winston.createLogger({ transports: [transport()] })
  const other = bunyan.createLogger({ name: 'shop', stream: { write() {} } })
`

async function runBoth(code: string): Promise<readonly [alone: Run, attached: Run]> {
  return [await run(code, { ...ATTACHED, args: [] }), await run(code, ATTACHED)]
}

test('attachWinston and attachBunyan leave loggers as they are when these are printed before a record', async () => {
  const [alone, attached] = await runBoth(
    `${CREATE}
    logger.clear()
    logger.configure({ transports: [transport()] })
    const show = (value) => console.log(inspect(value, { depth: 1 }).replaceAll(process.pid, 'pid'), Object.keys(value))
    show(logger)
    show(other)`,
  )
  expect(attached.stdout).toBe(alone.stdout)
})

test.each([
  'winston.Logger.prototype.configure',
  'winston.Logger.prototype.clear',
  'bunyan.prototype.addStream',
])('attachWinston and attachBunyan leave %s a method when a spy reads its descriptor', async (method) => {
  const [, holder, name] = /^(.*)\.(\w+)$/.exec(method)!
  const [alone, attached] = await runBoth(
    `${CREATE}
      const { value, ...descriptor } = Object.getOwnPropertyDescriptor(${holder}, '${name}')
      console.log(typeof value, descriptor)`,
  )
  expect(alone.stdout).toMatch(/^function /)
  expect(attached.stdout).toBe(alone.stdout)
})

test('attachWinston goes on sending when methods are read, replaced, or a logger is copied', async () => {
  const { records, stderr } = await run(
    `${CREATE}
    logger.info('first')
    const { clear, configure } = logger
    logger.info('second')
    Object.assign(Object.create(Object.getPrototypeOf(logger)), logger).info('third')
    winston.Logger.prototype.clear = function () { return clear.call(this) }
    logger.clear().add(transport())
    logger.info('fourth')`,
    ATTACHED,
  )
  expect(records.map(({ body }) => body)).toEqual(['first', 'second', 'third', 'fourth'])
  expect(stderr).toBe('')
})

test('attachWinston starts telemetry when the default logger is the only one', async () => {
  const { records } = await run(
    `const winston = require('winston')
    winston.configure({ transports: [new winston.transports.Console({ silent: true })] })
    winston.info('placed')`,
    ATTACHED,
  )
  expect(records.map(({ body }) => body)).toEqual(['placed'])
})
