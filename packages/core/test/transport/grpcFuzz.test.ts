import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { createGrpcSend } from '../../src/transport/exitFlush/sendByGrpc.ts'
import { resolveExitTarget } from '../../src/transport/exitFlush/exitTarget.ts'
import { createGrpcTransport } from '../../src/transport/grpc.ts'
import type { ExportOutcome } from '../../src/transport/transport.ts'
import { clientSockets } from './clientSockets.ts'
import { exporterConfig, never } from './exporterConfig.ts'
import { Random, startHostileHttp2 } from './hostileHttp2.ts'

// `pnpm test:fuzz` sends 100,000 requests. FUZZ_SEED selects others.

const COUNT = Number(process.env['FUZZ_COUNT'] ?? 2000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 15)
const CONCURRENCY = 60
const TIMEOUT_MILLIS = 100
/** Growth of the heap that V8 shows without a leak: its code, its caches, and what a test framework keeps. */
const MAX_GROWTH_BYTES = 8 * 1024 * 1024

capturedWarnings()
const REQUEST = Buffer.alloc(3000, 'record ')

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Sends two requests to one hostile server: over the transport, or as an exit flush. */
async function sendTo(random: Random, open: ReadonlySet<Socket>): Promise<ExportOutcome[]> {
  const server = await startHostileHttp2(random)
  const config = exporterConfig(`http://127.0.0.1:${server.port}`, { timeoutMillis: TIMEOUT_MILLIS })
  const isExit = random.below(5) === 0
  const outcomes: ExportOutcome[] = []
  if (isExit) {
    const send = createGrpcSend(resolveExitTarget(config, 'logs'))
    for (let n = 0; n < 2; n += 1) outcomes.push(await send(REQUEST, AbortSignal.timeout(TIMEOUT_MILLIS)))
    // An exit flush leaves its sockets to the end of its thread.
    for (const socket of open) if (socket.remotePort === server.port) socket.destroy()
  } else {
    const transport = createGrpcTransport(config)
    for (let n = 0; n < 2; n += 1) outcomes.push(await transport.send(REQUEST, never))
    transport.close()
  }
  server.close()
  return outcomes
}

test(
  'createGrpcTransport ends each attempt and closes each socket when answers are mutated',
  { timeout: 30_000 + COUNT * 20 },
  async () => {
    const open = clientSockets()
    const kinds: Record<string, number> = {}
    const generators = Array.from({ length: CONCURRENCY }, (_, index) => new Random(SEED * 1000 + index))

    /** Sends half of the requests. Returns the memory that remains. */
    async function sendHalf(): Promise<number> {
      let left = COUNT / 2
      await Promise.all(
        generators.map(async (random) => {
          for (; left > 0; left -= 2) {
            for (const { kind } of await sendTo(random, open)) kinds[kind] = (kinds[kind] ?? 0) + 1
          }
        }),
      )
      await vi.waitFor(() => expect(open.size).toBe(0), 15_000)
      return await settledMemory()
    }

    const first = await sendHalf()
    expect((await sendHalf()) - first).toBeLessThan(MAX_GROWTH_BYTES)
    expect(Object.keys(kinds).toSorted()).toEqual(['delivered', 'failed', 'retryable'])
  },
)

/** Returns the memory of the process after garbage is collected: some of it is freed by callbacks of other garbage. */
async function settledMemory(): Promise<number> {
  for (let round = 0; round < 5; round += 1) {
    collectGarbage()
    await delay(20)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
