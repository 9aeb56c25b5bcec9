/**
 * The pipelines that are compared, each from Logger.emit to a receiver at `url`, configured as its own documentation
 * says. `start` gives a logger, and `finish` that resolves when everything that was taken has been acknowledged.
 */
export const pipelines = {
  logbridge: {
    title: '@logbridge/core',
    async start(url) {
      const { createLoggerProvider } = await import('@logbridge/core')
      const provider = createLoggerProvider({ endpoint: url, serviceName: 'bench' })
      return {
        logger: provider.getLogger('bench'),
        flush: () => provider.forceFlush(),
        finish: () => provider.shutdown(),
      }
    },
  },
  'sdk-defaults': {
    title: 'SDK 3.1 Logger + BatchLogRecordProcessor + gRPC, defaults',
    start: (url) => startSdk(url, {}),
  },
  'sdk-large-queue': {
    title: 'the same with a queue of 200,000',
    start: (url) => startSdk(url, { maxQueueSize: 200_000 }),
  },
}

async function startSdk(url, options) {
  const { BatchLogRecordProcessor, LoggerProvider } = await import('@opentelemetry/sdk-logs')
  const { OTLPLogExporter } = await import('@opentelemetry/exporter-logs-otlp-grpc')
  const { resourceFromAttributes } = await import('@opentelemetry/resources')
  const exporter = new OTLPLogExporter({ url })
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'bench' }),
    processors: [new BatchLogRecordProcessor({ exporter, ...options })],
  })
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
