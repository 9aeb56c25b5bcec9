/* Each way to end a logger of each library, with each LoggerProvider, in a child process. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type ReceivedLogRecord, startViewer, type Viewer } from '@logbridge/viewer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Provider } from './fixtures/endOfLogger.ts'

const PROGRAM = fileURLToPath(new URL('fixtures/endOfLogger.ts', import.meta.url))
// Node.js 22.15 needs flags to run TypeScript.
const FLAGS = process.features.typescript ? [] : ['--experimental-strip-types', '--no-warnings']
const ENDS = [
  'winston: finish of the transport',
  'winston: finish of the logger',
  'winston: end of a child logger',
  'winston: logger.close() with nothing else to do',
  'winston: logger.remove() with nothing else to do',
  'pino: end(callback)',
  'pino: finish',
  'pino: logger.flush(callback)',
  'pino: end of a multistream',
  'bunyan: end(callback)',
  'bunyan: finish',
  'log4js: shutdown(callback)',
]

describe('end of a logger waits for delivery by core:', () => testEnds('core'))

describe.each<Provider>(['otel-2', 'otel-3'])(
  'end of a logger waits for delivery by %s:',
  { tags: 'long' },
  (provider) => testEnds(provider),
)

function testEnds(provider: Provider): void {
  let viewer: Viewer
  const received: ReceivedLogRecord[] = []
  beforeAll(async () => {
    viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
    viewer.on('logs', (records) => received.push(...records))
  })
  afterAll(() => viewer.close())

  test.each(ENDS)('%s', async (end) => {
    received.length = 0
    const run = promisify(execFile)(process.execPath, [...FLAGS, PROGRAM, end, provider, viewer.httpUrl])
    expect(await run).toEqual({ stdout: '', stderr: '' })
    expect(received.map(({ body }) => body)).toEqual(['last words'])
  })
}
