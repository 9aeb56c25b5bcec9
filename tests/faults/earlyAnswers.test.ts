import { expect, test } from 'vitest'
import { run } from '@logbridge/test-support/run'
import { startEarlyGrpc, startEarlyHttp } from '@logbridge/test-support/earlyReceivers'

/** Logs more than a connection buffers. The timeouts of attempts are longer than the test. */
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
  'process ends with its final flush when a receiver accepts requests over %s and never reads them',
  { tags: ['long'] },
  async ([protocol, start]) => {
    const receiver = await start()
    const output = await run(process.execPath, ['--input-type=module', '-e', PROGRAM, receiver.url, protocol])
    const { created, delivered, queued, inFlight } = JSON.parse(output)
    expect(created).toBe(delivered + queued + inFlight)
    // The process has not waited for all records.
    expect(queued).toBeGreaterThan(0)
  },
)
