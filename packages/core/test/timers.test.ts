import { expect, test } from 'vitest'
import { nowhere, run } from './programs.ts'
import { receiver } from './receive.ts'

const receiving = receiver()

/** As under jsdom: numbers in place of objects, and no setImmediate. */
const JSDOM = `
  import * as timers from 'node:timers'
  for (const name of ['setTimeout', 'setInterval']) {
    const native = timers[name]
    globalThis[name] = (...args) => { native(...args).unref(); return 1 }
  }
  delete globalThis.setImmediate
  delete globalThis.clearImmediate`
/** As fake timers of a test are until it moves them on. */
const FROZEN = `
  await import('@logbridge/core')
  const timer = { unref: () => timer, ref: () => timer, hasRef: () => false }
  Object.assign(globalThis, { setTimeout: () => timer, setInterval: () => timer, setImmediate: () => timer })`

test('a provider delivers, and tells of its losses, when the global timers are those of jsdom', async () => {
  const { code, stdout, stderr } = await run(
    `${JSDOM}
    const { createLoggerProvider } = await import('@logbridge/core')
    const provider = createLoggerProvider({ maxQueueSize: 10, protocol: 'http/protobuf' })
    for (let i = 0; i < 20; i += 1) provider.getLogger('shop').emit({ body: i })
    await provider.shutdown()
    console.log(JSON.stringify(provider.stats()))`,
    { env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiving.httpUrl() } },
  )
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ created: 20, delivered: 8, queued: 0, inFlight: 0 })
  expect(stderr).toContain('logbridge: loss of log records has ended: 12 lost')
})

test('a flush and a shutdown end at their deadlines when the global timers are fake ones', async () => {
  const { code, stdout } = await run(
    `${FROZEN}
    const { createLoggerProvider } = await import('@logbridge/core')
    const provider = createLoggerProvider()
    provider.getLogger('shop').emit({ body: 'hello' })
    await provider.forceFlush(50)
    await provider.shutdown(50)
    console.log('over')`,
    { env: { OTEL_EXPORTER_OTLP_ENDPOINT: await nowhere() } },
  )
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'over\n' })
})
