/**
 * A process of its own that encodes one record again and again: `encode.js otlp|json ATTRIBUTES`. Tells its parent
 * `{ nanos }` a record. The encoder is not exported, so its source is loaded.
 */
import { do_not_optimize, measure } from 'mitata'
import { SPAN_CONTEXT } from './application.js'
import { Encoder } from '../../packages/core/src/logs/encode.ts'

const [, , format, attributes] = process.argv
/** Another one each time, so that no engine remembers the last result. */
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

const encoder = new Encoder()
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
// Until it is compiled, which takes long where other threads want the cores.
for (let i = 0; i < WARM_UP; i += 1) encodeNext()
const { p50 } = await measure(encodeNext, {
  min_cpu_time: 0.5e9,
  // Batches, however long the first calls take, and of less than a millisecond: most of them run through also where the
  // machine does other things.
  warmup_threshold: Infinity,
  batch_threshold: Infinity,
  batch_samples: 512,
})
process.send({ nanos: p50 })
process.disconnect()
