import { formatLogRecord, formatMetric, formatSpan } from '../format.ts'
import { formatJson } from '../json.ts'
import { endOutput, printMessage, printRecords } from '../output.ts'
import { describeReceived, startViewer, type Viewer, type ViewerOptions } from '../viewer.ts'

export interface TerminalSettings extends ViewerOptions {
  minSeverity: number
  spans: boolean
  metrics: boolean
  sdkMetrics: boolean
  json: boolean
  color: boolean
}

/** Prints records as they arrive. */
export async function startTerminal(settings: TerminalSettings): Promise<void> {
  const viewer = await startViewer(settings)
  print(viewer, settings)
  stopOnSignal(viewer)
  printMessage(`Receiving OTLP: gRPC at ${viewer.grpcUrl}, HTTP at ${viewer.httpUrl}`)
}

function print(viewer: Viewer, settings: TerminalSettings): void {
  const { minSeverity, spans, metrics, sdkMetrics, json, color } = settings
  const options = {
    color,
    /** Width of the terminal, which changes. */
    get columns() {
      return process.stdout.isTTY ? process.stdout.columns : undefined
    },
  }
  viewer.on('logs', (received) => {
    const records = received.filter(
      ({ severityNumber }) => severityNumber === 0 || severityNumber >= minSeverity,
    )
    printRecords(records, (record) => (json ? formatJson('log', record) : formatLogRecord(record, options)))
  })
  if (spans) {
    viewer.on('spans', (received) => {
      printRecords(received, (span) => (json ? formatJson('span', span) : formatSpan(span, options)))
    })
  }
  if (metrics) {
    viewer.on('metrics', (received) => {
      const wanted = sdkMetrics ? received : received.filter(({ name }) => !name.startsWith('otel.sdk.'))
      printRecords(wanted, (metric) => (json ? formatJson('metric', metric) : formatMetric(metric, options)))
    })
  }
}

function stopOnSignal(viewer: Viewer): void {
  const stop = async (): Promise<void> => {
    await viewer.close()
    printMessage(describeReceived(viewer.counts))
    endOutput()
  }
  // `once` removes the handler, so that a second signal ends the process immediately.
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}
