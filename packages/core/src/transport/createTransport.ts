import { hideFromDiagnostics } from '@logbridge/bridge/internal'
import type { Signal } from '../config/optionTable.ts'
import type { ExporterConfig } from '../config/exporter.ts'
import { createGrpcTransport } from './grpc.ts'
import { lastHeaders } from './headers.ts'
import { createHttpTransport } from './http.ts'
import { createRetryingTransport, type RetryingTransport } from './retry.ts'
import { maskSecrets, collectSecrets } from './secrets.ts'
import { prepareExitTarget, resolveExitTarget } from './exitFlush/exitTarget.ts'
import type { ExitTarget } from './exitFlush/types.ts'

/** A transport of which a blocked thread can have a worker send in its place. */
export interface ExportTransport extends RetryingTransport {
  /** See `ExitSource`. */
  prepareExit(): void
  exitTarget(): ExitTarget
}

/** The chain that a request goes through on its way to the receiver. */
export function createTransport(
  {
    exporter,
    exportTimeoutMillis,
  }: { readonly exporter: ExporterConfig; readonly exportTimeoutMillis: number },
  signal: Signal = 'logs',
): ExportTransport {
  const settled = { ...exporter, timeoutMillis: Math.min(exporter.timeoutMillis, exportTimeoutMillis) }
  const inner =
    settled.protocol === 'grpc' ? createGrpcTransport(settled, signal) : createHttpTransport(settled)
  const transport = createRetryingTransport(inner)
  const stopHiding = hideFromDiagnostics((text) =>
    maskSecrets(text, collectSecrets(settled, lastHeaders(settled))),
  )
  return {
    ...transport,
    prepareExit: () => prepareExitTarget(settled),
    exitTarget: () => resolveExitTarget(settled, signal),
    close() {
      stopHiding()
      transport.close()
    },
  }
}
