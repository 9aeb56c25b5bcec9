import { warnOnce, ignoreErrorsOf, rearm } from '@logbridge/bridge/internal'
import { type ExportResult, ExportResultCode } from '@opentelemetry/core'
import { suppressExporter } from './exporter.ts'

/** Limit of the bytes that are buffered for a slow reader of stdout. */
const MAX_BUFFERED_BYTES = 1024 * 1024

/**
 * Makes an official console exporter safe: it causes no log records, keeps the process running when stdout is closed, and drops
 * telemetry when too many bytes are buffered for stdout.
 * @returns the exporter, changed in place
 */
export function toConsole<Exporter extends { export(items: any, resultCallback: any): void }>(
  exporter: Exporter,
): Exporter {
  suppressExporter(exporter)
  const send = exporter.export.bind(exporter)
  exporter.export = (items, resultCallback: (result: ExportResult) => void) => {
    const { stdout } = process
    if (stdout.writableLength > MAX_BUFFERED_BYTES) {
      warnOnce('console-full', 'stdout is not read, dropping console exports until stdout is read')
      return resultCallback({ code: ExportResultCode.FAILED, error: new Error('stdout is not read') })
    }
    rearm('console-full')
    ignoreErrorsOf(stdout, (written) => {
      try {
        send(items, resultCallback)
      } finally {
        // Node.js calls `written` after the writes of the exporter have ended or failed.
        stdout.write('', written)
      }
    })
  }
  return exporter
}
