import { expect, test } from 'vitest'
import { useViewer } from './programs.ts'

const run = useViewer()

const LOGGERS = {
  winston: `(winston) => winston.createLogger({ transports: [new winston.transports.Console({ silent: true })] })`,
  pino: `(pino) => pino({ write() {} })`,
  bunyan: `(bunyan) => bunyan.createLogger({ name: 'shop', stream: { write() {} } })`,
  log4js: `(log4js) => {
    log4js.configure({
      appenders: { none: { type: { configure: () => () => {} } } },
      categories: { default: { appenders: ['none'], level: 'info' } },
    })
    return log4js.getLogger()
  }`,
}

test.each(Object.entries(LOGGERS))(
  'isFirstPatch lets each record be sent once when the entry file of %s is loaded again',
  async (library, createLogger) => {
    const { records, stderr } = await run(
      `const create = ${createLogger}
      const first = create(require('${library}'))
      first.info('first')
      delete require.cache[require.resolve('${library}')]
      create(require('${library}')).info('second')
      first.info('third')`,
      { module: 'cjs' },
    )
    expect(records.map(({ body }) => body)).toEqual(['first', 'second', 'third'])
    expect(stderr).toBe('')
  },
)
