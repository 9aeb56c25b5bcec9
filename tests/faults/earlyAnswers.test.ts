import { expect, test } from 'vitest'
import { run } from '@logbridge/test-support/run'
import { startEarlyGrpc, startEarlyHttp } from '@logbridge/test-support/earlyReceivers'

/** Logs so much that some of it stays in a connection that nobody reads. Each attempt has longer than the test. */
const PROGRAM = `
import { createLoggerProvider } from '@logbridge/core'
const [, endpoint, protocol] = process.argv
const provider = createLoggerProvider({ endpoint, protocol, timeoutMillis: 600_000, exportTimeoutMillis: 600_000, register: false })
const logger = provider.getLogger('unread')
for (let i = 0; i < 14; i += 1) {
  logger.emit({ body: 'x'.repeat(3_500_000) })
  await new Promise(setImmediate)
}
process.on('exit', () => console.log(JSON.stringify(provider.stats())))
`

test.for([
  ['grpc', startEarlyGrpc],
  ['http/protobuf', startEarlyHttp],
] as const)(
  'a receiver that accepts requests by %s and never reads them holds a process no longer than the flush at its end',
  { tags: ['long'] },
  async ([protocol, start]) => {
    const receiver = await start()
    const output = await run(process.execPath, ['--input-type=module', '-e', PROGRAM, receiver.url, protocol])
    const { created, delivered, queued, inFlight } = JSON.parse(output)
    expect(created).toBe(delivered + queued + inFlight)
    // It has not waited for all of them.
    expect(queued).toBeGreaterThan(0)
  },
)
