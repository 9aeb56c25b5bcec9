import { parentPort, workerData } from 'node:worker_threads'
import { nextTurn } from '@logbridge/bridge/internal'

/*
 * Messages between `flushOnSignals` in the main thread and the transports in pino's worker. thread-stream carries them: it posts what
 * its stream emits as `message`, and emits what the worker posts as `EVENT`.
 */

/** Asks for a flush; answered by the event `FLUSHED` with the same id. */
export const FLUSH = 'LOGBRIDGE_FLUSH'
/** Says how long the end of the stream, which follows, may take. */
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

/** A transport at work in the worker. */
interface Delivery {
  flush(timeoutMillis: number): Promise<unknown>
  /** Sets how long the end may take. */
  limitEnd(timeoutMillis: number): void
}

/** Transports of this worker: pino's `targets` can have several. */
const deliveries = new Set<Delivery>()

/** Whether this is a worker that pino has started. */
export function isPinoWorker(): boolean {
  const { workerData: data } = (workerData ?? {}) as { workerData?: { pinoWillSendConfig?: boolean } }
  return data?.pinoWillSendConfig === true
}

/** Flushes and ends a transport as the main thread asks. Does nothing outside of pino's worker. */
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
  // Lines that the worker has may still be in another stream of a pipeline.
  await readPorts()
  await Promise.all([...deliveries].map((delivery) => delivery.flush(timeoutMillis)))
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread has no origin
  parentPort?.postMessage({ code: 'EVENT', name: FLUSHED, args: [id] })
}

/** Waits until all messages that have been posted to this thread are handed over: one whole turn of the event loop. */
export async function readPorts(): Promise<undefined> {
  await nextTurn()
  await nextTurn()
}
