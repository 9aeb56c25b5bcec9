import { hideFromDiagnostics } from '@logbridge/bridge/internal'
import type { Signal } from '../config/optionTable.ts'
import type { ExporterConfig } from '../config/exporter.ts'
import { shownEndpoint, type Unsent, withReceiver } from '../process/longWait.ts'
import { type Receiver, watchReceiver } from '../process/outages.ts'
import { createGrpcTransport } from './grpc.ts'
import { lastHeaders } from './headers.ts'
import { createHttpTransport } from './http.ts'
import { createRetryingTransport, type RetryingTransport } from './retry.ts'
import { maskSecrets } from './maskSecrets.ts'
import { collectSecrets } from './secrets.ts'
import { prepareExitTarget, resolveExitTarget } from './exitFlush/exitTarget.ts'
import type { ExitTarget } from './exitFlush/types.ts'

/** Transport whose requests a worker can send while the thread is blocked. */
export interface ExportTransport extends RetryingTransport {
  readonly receiver: Receiver
  /** See `ExitSource`. */
  prepareExit(): void
  exitTarget(): ExitTarget
}

/**
 * Creates the transport of one signal: retry, then gRPC or HTTP.
 *
 * @param unsent telemetry of the signal that waits for the receiver, for reports of outages
 */
export function createTransport(
  {
    exporter,
    exportTimeoutMillis,
  }: { readonly exporter: ExporterConfig; readonly exportTimeoutMillis: number },
  signal: Signal = 'logs',
  unsent?: () => Unsent,
): ExportTransport {
  const config = { ...exporter, timeoutMillis: Math.min(exporter.timeoutMillis, exportTimeoutMillis) }
  const inner = config.protocol === 'grpc' ? createGrpcTransport(config, signal) : createHttpTransport(config)
  const receiver = watchReceiver(shownEndpoint(exporter.url), unsent)
  const transport = createRetryingTransport(inner, undefined, receiver)
  const stopHiding = hideFromDiagnostics((text) =>
    maskSecrets(text, collectSecrets(config, lastHeaders(config))),
  )
  return {
    ...transport,
    receiver,
    send: async (request, abort) => withReceiver(await transport.send(request, abort), exporter.url),
    prepareExit: () => prepareExitTarget(config),
    exitTarget: () => resolveExitTarget(config, signal),
    close() {
      stopHiding()
      transport.close()
    },
  }
}
