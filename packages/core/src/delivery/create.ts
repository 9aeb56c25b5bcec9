import { hideFromDiagnostics } from '@logbridge/bridge'
import type { ExporterConfig, Signal } from '../config/exporter.ts'
import { createGrpcTransport } from './grpc.ts'
import { lastHeaders } from './headers.ts'
import { createHttpTransport } from './http.ts'
import { withRetry } from './retry.ts'
import { hide, secretsOf } from './secrets.ts'
import type { Transport } from './transport.ts'

/** The chain that a request goes through on its way to the receiver. */
export function createTransport(
  {
    exporter,
    exportTimeoutMillis,
  }: { readonly exporter: ExporterConfig; readonly exportTimeoutMillis: number },
  signal: Signal = 'logs',
): Transport {
  const settled = { ...exporter, timeoutMillis: Math.min(exporter.timeoutMillis, exportTimeoutMillis) }
  const inner =
    settled.protocol === 'grpc' ? createGrpcTransport(settled, signal) : createHttpTransport(settled)
  const transport = withRetry(inner)
  const stopHiding = hideFromDiagnostics((text) => hide(text, secretsOf(settled, lastHeaders(settled))))
  return {
    ...transport,
    close() {
      stopHiding()
      transport.close()
    },
  }
}
