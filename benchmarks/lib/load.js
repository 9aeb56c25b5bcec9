/**
 * Starts one pipeline with one load, for `lib/grow.js`. A shape describes the records and the pipeline. The defaults are those of
 * other benchmarks: a message of 20 characters, 4 attributes, and one logger.
 */
import { logs } from '@opentelemetry/api'
import { LARGE_QUEUE, startLogbridge, startSdk } from './pipelines.js'

/** Records in one turn of the event loop. */
const BURST = 1000
/** Bytes of messages in one turn of the event loop. */
const BURST_BYTES = 2 ** 20
/** Number of different records, built before the measurement. */
const DIFFERENT = 64

export async function startLoad(pipeline, url, shape) {
  const { loggers: loggerCount = 1, compression, maxExportBatchSize } = shape
  if (compression) process.env.OTEL_EXPORTER_OTLP_COMPRESSION = compression
  if (maxExportBatchSize) process.env.OTEL_BLRP_MAX_EXPORT_BATCH_SIZE = String(maxExportBatchSize)
  const { logger, flush, finish } =
    pipeline === 'logbridge'
      ? await startLogbridge(url)
      : // BatchLogRecordProcessor does not read OTEL_BLRP_MAX_EXPORT_BATCH_SIZE.
        await startSdk(url, { ...LARGE_QUEUE, ...(maxExportBatchSize && { maxExportBatchSize }) })
  const loggers = [logger]
  while (loggers.length < loggerCount) loggers.push(logs.getLogger(`logger-${loggers.length}`))
  const records = Array.from({ length: DIFFERENT }, (_, i) => makeRecord(i, shape))
  const burst = Math.max(1, Math.min(BURST, Math.floor(BURST_BYTES / records[0].body.length)))

  async function emit(count) {
    for (let i = 0; i < count; i += 1) {
      loggers[i % loggers.length].emit(records[i % DIFFERENT])
      if (i % burst === burst - 1) await new Promise(setImmediate)
    }
  }
  return { emit, flush, finish }
}

function makeRecord(i, { attributes = 4, messageBytes = 20, alphabet = 'abcdefghij', depth }) {
  return {
    severityNumber: 9,
    severityText: 'info',
    body: text(i, messageBytes, alphabet),
    attributes: {
      ...Object.fromEntries(
        Array.from({ length: attributes }, (_, n) => [`attribute-${n}`, value(i, n, alphabet)]),
      ),
      ...(depth && { nested: nested(depth) }),
    },
  }
}

function value(i, n, alphabet) {
  return [text(i, 10, alphabet), i, i + 0.5, i % 2 === 0][n % 4]
}

/** Returns `length` characters of the alphabet, starting at character `i`. */
function text(i, length, alphabet) {
  const characters = Array.from(alphabet)
  return Array.from({ length }, (_, at) => characters[(i + at) % characters.length]).join('')
}

function nested(depth) {
  return depth === 1
    ? { id: depth, name: 'a value' }
    : { id: depth, name: 'a value', inner: nested(depth - 1) }
}
