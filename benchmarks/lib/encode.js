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
// Of batches of some thousand calls the one that was disturbed least.
const { min } = await measure(() => do_not_optimize(encode(records[(next = (next + 1) % RECORDS)])), {
  min_cpu_time: 0.5e9,
})
process.send({ nanos: min })
process.disconnect()
