/**
 * The pipelines that are compared, each from Logger.emit to a receiver at `url`, configured as its own documentation
 * says. `start` registers a LoggerProvider and gives a logger, and `finish` that resolves when everything that was taken
 * has been acknowledged.
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

/** With it the official SDK loses nothing of 200,000 records. */
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
 * The official SDK.
 * @param options of its BatchLogRecordProcessor
 * @param load imports its packages: SDK 3.x, unless another generation is given
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
  // SDK 2.x has its Logs API in a package of its own.
  const api = logs ?? (await load('@opentelemetry/api-logs')).logs
  api.setGlobalLoggerProvider(provider)
  return {
    logger: provider.getLogger('bench'),
    flush: () => provider.forceFlush(),
    async finish() {
      // Its shutdown loses what a running flush holds; whoever wants everything delivered flushes first.
      await provider.forceFlush()
      await provider.shutdown()
    },
  }
}
