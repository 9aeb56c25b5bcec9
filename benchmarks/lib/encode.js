/**
 * Child process that encodes records: `encode.js otlp|json ATTRIBUTES`. Sends `nanos` for each record. Loads the source of the
 * encoder, because the package does not export it.
 */
import { do_not_optimize, measure } from 'mitata'
import { SPAN_CONTEXT } from './application.js'
import { RecordEncoder } from '../../packages/core/src/otlp/recordEncoder.ts'

const [, , format, attributes] = process.argv
/** Number of different records, so that V8 cannot reuse a result. */
const RECORDS = 256
const WARM_UP = 300_000

const VALUES = [
  (i) => ({ orderId: i }),
  () => ({ customer: 'c-1042' }),
  () => ({ total: 99.5 }),
  () => ({ express: true }),
  () => ({ 'http.request.method': 'POST' }),
  (i) => ({ 'url.path': `/orders/${i}` }),
  () => ({ 'http.response.status_code': 201 }),
  (i) => ({ duration: i / 7 }),
  () => ({ region: 'eu-central-1' }),
  () => ({ retried: false }),
]
const records = Array.from({ length: RECORDS }, (_, i) => ({
  timestamp: [1_790_000_000 + i, 123_456_789],
  observedTimestamp: [1_790_000_000 + i, 123_456_789],
  severityNumber: 9,
  severityText: 'info',
  body: `order ${i} placed by a customer`,
  attributes: Object.assign({}, ...VALUES.slice(0, Number(attributes)).map((value) => value(i))),
  droppedAttributesCount: 0,
  eventName: undefined,
  spanContext: SPAN_CONTEXT,
}))

const encoder = new RecordEncoder()
const limits = { attributeCountLimit: 128 }
const encode = {
  otlp(record) {
    encoder.reset()
    encoder.logRecord(record, limits)
    return encoder.position
  },
  json: (record) => JSON.stringify(record),
}[format]

let next = 0
function encodeNext() {
  return do_not_optimize(encode(records[(next = (next + 1) % RECORDS)]))
}
// The warm-up is long, because V8 compiles late when other threads use the cores.
for (let i = 0; i < WARM_UP; i += 1) encodeNext()
const { p50 } = await measure(encodeNext, {
  min_cpu_time: 0.5e9,
  // Batches take less than a millisecond, so that most of them are not interrupted on a busy machine.
  warmup_threshold: Infinity,
  batch_threshold: Infinity,
  batch_samples: 512,
})
process.send({ nanos: p50 })
process.disconnect()
