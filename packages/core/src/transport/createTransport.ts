import { hideFromDiagnostics } from '@logbridge/bridge/internal'
import { type DestinationConfig, shownDestination, takesLines } from '../config/file.ts'
import type { ExporterConfig } from '../config/exporter.ts'
import type { Signal } from '../config/optionTable.ts'
import type { ExitRoute } from '../process/exitFlush.ts'
import { type Unsent, withReceiver } from '../process/longWait.ts'
import { type Receiver, watchReceiver } from '../process/outages.ts'
import { createGrpcTransport } from './grpc.ts'
import { lastHeaders } from './headers.ts'
import { createHttpTransport } from './http.ts'
import { createLineTransport } from './lines.ts'
import { createRetryingTransport, type RetryingTransport } from './retry.ts'
import { maskSecrets } from './maskSecrets.ts'
import { collectSecrets } from './secrets.ts'
import type { Transport } from './transport.ts'
import { prepareExitTarget, resolveExitTarget } from './exitFlush/exitTarget.ts'

/** Transport whose requests can be sent while the thread is blocked. */
export interface ExportTransport extends RetryingTransport {
  readonly receiver: Receiver
  readonly exitRoute: ExitRoute
}

/** Transport of one attempt, and what belongs to its destination. */
interface Destination {
  readonly transport: Transport
  readonly exitRoute: ExitRoute
  /** Called at the close. */
  readonly onClose?: () => void
}

/**
 * Creates the transport of one signal: retry, then gRPC, HTTP, a file, or stdout.
 *
 * @param unsent telemetry of the signal that waits for the receiver, for reports of outages
 */
export function createTransport(
  {
    exporter,
    exportTimeoutMillis,
  }: { readonly exporter: DestinationConfig; readonly exportTimeoutMillis: number },
  signal: Signal = 'logs',
  unsent?: () => Unsent,
): ExportTransport {
  const {
    transport: inner,
    exitRoute,
    onClose,
  } = takesLines(exporter)
    ? linesTo(exporter, signal)
    : requestsTo(
        { ...exporter, timeoutMillis: Math.min(exporter.timeoutMillis, exportTimeoutMillis) },
        signal,
      )
  const receiver = watchReceiver(shownDestination(exporter), unsent)
  const transport = createRetryingTransport(inner, undefined, receiver)
  return {
    ...transport,
    receiver,
    exitRoute,
    ...(!takesLines(exporter) && {
      send: async (request: Uint8Array, abort: AbortSignal) =>
        withReceiver(await transport.send(request, abort), exporter.url),
    }),
    close() {
      onClose?.()
      transport.close()
    },
  }
}

function linesTo(config: Parameters<typeof createLineTransport>[0], signal: Signal): Destination {
  const transport = createLineTransport(config, signal)
  return { transport, exitRoute: transport }
}

function requestsTo(config: ExporterConfig, signal: Signal): Destination {
  return {
    transport: config.protocol === 'grpc' ? createGrpcTransport(config, signal) : createHttpTransport(config),
    exitRoute: {
      prepare: () => prepareExitTarget(config),
      target: () => resolveExitTarget(config, signal),
    },
    onClose: hideFromDiagnostics((text) => maskSecrets(text, collectSecrets(config, lastHeaders(config)))),
  }
}
