/**
 * Pipelines to compare, each from Logger.emit to a receiver at `url`, configured by its documentation. `start` registers a
 * LoggerProvider and returns `logger`, `flush`, and `finish`, which resolves when every accepted record is acknowledged.
 */
export const pipelines = {
  logbridge: { title: '@logbridge/core', start: startLogbridge },
  'sdk-defaults': {
    title: 'SDK 3.1 Logger + BatchLogRecordProcessor + gRPC, defaults',
    start: (url) => startSdk(url, {}),
  },
  'sdk-large-queue': {
    title: 'SDK 3.1 Logger + BatchLogRecordProcessor + gRPC, queue of 200,000',
    start: (url) => startSdk(url, LARGE_QUEUE),
  },
}

/** Options with which the official SDK delivers all of 200,000 records. */
export const LARGE_QUEUE = { maxQueueSize: 200_000 }

export async function startLogbridge(url) {
  const { createLoggerProvider } = await import('@logbridge/core')
  const provider = createLoggerProvider({ endpoint: url, serviceName: 'bench' })
  return {
    logger: provider.getLogger('bench'),
    flush: () => provider.forceFlush(),
    finish: () => provider.shutdown(),
  }
}

/**
 * Starts the official SDK.
 *
 * @param options options of BatchLogRecordProcessor
 * @param load imports a package of OpenTelemetry
 * @default load imports OpenTelemetry 3.x
 */
export async function startSdk(url, options, load = (name) => import(name)) {
  const { BatchLogRecordProcessor, LoggerProvider } = await load('@opentelemetry/sdk-logs')
  const { OTLPLogExporter } = await load('@opentelemetry/exporter-logs-otlp-grpc')
  const { resourceFromAttributes } = await load('@opentelemetry/resources')
  const exporter = new OTLPLogExporter({ url })
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'bench' }),
    processors: [new BatchLogRecordProcessor({ exporter, ...options })],
  })
  const { logs } = await load('@opentelemetry/api')
  // OpenTelemetry 2.x has the Logs API in a separate package.
  const api = logs ?? (await load('@opentelemetry/api-logs')).logs
  api.setGlobalLoggerProvider(provider)
  return {
    logger: provider.getLogger('bench'),
    flush: () => provider.forceFlush(),
    async finish() {
      // shutdown() alone loses the records of a running flush.
      await provider.forceFlush()
      await provider.shutdown()
    },
  }
}
