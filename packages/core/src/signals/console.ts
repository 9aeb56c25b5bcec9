import { warnOnce, ignoreErrorsOf, rearm } from '@logbridge/bridge/internal'
import { type ExportResult, ExportResultCode } from '@opentelemetry/core'
import { suppressExporter } from './exporter.ts'

/** What waits for a reader of stdout that is slower than what is exported. */
const MAX_WAITING_BYTES = 1024 * 1024

/**
 * Has an official exporter to the console work without causing log records of its own. It does not end the process when stdout is
 * closed, and takes no memory without end when nobody reads stdout. Changes and returns it.
 */
export function toConsole<Exporter extends { export(items: any, resultCallback: any): void }>(
  exporter: Exporter,
): Exporter {
  suppressExporter(exporter)
  const send = exporter.export.bind(exporter)
  exporter.export = (items, resultCallback: (result: ExportResult) => void) => {
    const { stdout } = process
    if (stdout.writableLength > MAX_WAITING_BYTES) {
      warnOnce('console-full', 'stdout is not read: until it is, what is exported to the console is left out')
      return resultCallback({ code: ExportResultCode.FAILED, error: new Error('stdout is not read') })
    }
    rearm('console-full')
    ignoreErrorsOf(stdout, (written) => {
      try {
        send(items, resultCallback)
      } finally {
        // Called after the exporter's own writes have ended, also with an error.
        stdout.write('', written)
      }
    })
  }
  return exporter
}
