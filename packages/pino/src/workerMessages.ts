import { parentPort, workerData } from 'node:worker_threads'
import { nextTurn } from '@logbridge/bridge/internal'

/*
 * Messages between `flushOnSignals` in the main thread and the transports in pino's worker. thread-stream posts what its stream
 * emits as `message`, and emits what the worker posts as `EVENT`.
 */

/** Requests a flush. The event `FLUSHED` with the same id answers. */
export const FLUSH = 'LOGBRIDGE_FLUSH'
/** Limits the end of the stream, which follows. */
export const END = 'LOGBRIDGE_END'
export const FLUSHED = 'logbridge:flushed'

export interface FlushMessage {
  readonly code: typeof FLUSH
  readonly id: number
  readonly timeoutMillis: number
}

export interface EndMessage {
  readonly code: typeof END
  readonly timeoutMillis: number
}

/** Transport that runs in the worker. */
interface Delivery {
  flush(timeoutMillis: number): Promise<unknown>
  /** Limits the time of the end. */
  limitEnd(timeoutMillis: number): void
}

/** Transports of this worker. pino's `targets` can have several. */
const deliveries = new Set<Delivery>()

/** Tests if this thread is a worker of pino. */
export function isPinoWorker(): boolean {
  const { workerData: data } = (workerData ?? {}) as { workerData?: { pinoWillSendConfig?: boolean } }
  return data?.pinoWillSendConfig === true
}

/** Flushes and ends a transport when the main thread requests it. Has no effect outside of pino's worker. */
export function obeyMainThread(delivery: Delivery): void {
  if (!isPinoWorker()) return
  if (deliveries.size === 0) parentPort?.on('message', onMessage)
  deliveries.add(delivery)
}

function onMessage(message: FlushMessage | EndMessage | undefined): void {
  if (message?.code === FLUSH) void flush(message)
  else if (message?.code === END) {
    for (const delivery of deliveries) delivery.limitEnd(message.timeoutMillis)
  }
}

async function flush({ id, timeoutMillis }: FlushMessage): Promise<void> {
  // Another stream of a pipeline may hold lines.
  await readPorts()
  await Promise.all([...deliveries].map((delivery) => delivery.flush(timeoutMillis)))
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread has no origin
  parentPort?.postMessage({ code: 'EVENT', name: FLUSHED, args: [id] })
}

/** Waits for a whole turn of the event loop, in which all posted messages arrive. */
export async function readPorts(): Promise<undefined> {
  await nextTurn()
  await nextTurn()
}
