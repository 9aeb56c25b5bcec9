import type { LogsConfig } from '../config/config.ts'
import type { Signal } from '../config/exporter.ts'
import { createGrpcTransport } from './grpc.ts'
import { createHttpTransport } from './http.ts'
import { withRetry } from './retry.ts'
import type { ExportOutcome, Transport } from './transport.ts'

/** Is told of every attempt, also of those that are made again, and of the seconds it took. Must not throw. */
export type Observe = (outcome: ExportOutcome, seconds: number) => void

/** The chain that a request goes through on its way to the receiver. */
export function createTransport(
  { exporter, exportTimeoutMillis }: Pick<LogsConfig, 'exporter' | 'exportTimeoutMillis'>,
  signal: Signal = 'logs',
  observe?: Observe,
): Transport {
  const settled = { ...exporter, timeoutMillis: Math.min(exporter.timeoutMillis, exportTimeoutMillis) }
  const transport =
    settled.protocol === 'grpc' ? createGrpcTransport(settled, signal) : createHttpTransport(settled)
  return withRetry(observe ? observed(transport, observe) : transport)
}

function observed(transport: Transport, observe: Observe): Transport {
  return {
    async send(request, signal) {
      const start = performance.now()
      const outcome = await transport.send(request, signal)
      observe(outcome, (performance.now() - start) / 1000)
      return outcome
    },
    wake: () => transport.wake(),
    close: () => transport.close(),
  }
}
