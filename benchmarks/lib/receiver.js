/**
 * A process of its own that takes OTLP logs over gRPC, counts records without decoding them, and throws them away.
 * Talks to its parent: sends `{ port }` once, and answers each message with `{ records }` received since the last one.
 */
import { Server, ServerCredentials, status } from '@grpc/grpc-js'

let records = 0

const identity = (bytes) => bytes
const server = new Server({ 'grpc.max_receive_message_length': -1 })
server.addService(
  {
    Export: {
      path: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    },
  },
  {
    Export(call, reply) {
      if (call.metadata.get('x-refuse').length > 0)
        return reply({ code: status.PERMISSION_DENIED, details: 'told to' })
      records += countRecords(call.request)
      reply(null, Buffer.alloc(0))
    },
  },
)
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  process.send({ port })
})
process.on('message', () => {
  process.send({ records })
  records = 0
})
process.on('disconnect', () => process.exit())

/** Counts the fields ResourceLogs (1) / ScopeLogs (2) / LogRecord (2) of an ExportLogsServiceRequest. */
function countRecords(bytes) {
  let count = 0
  const path = [1, 2, 2]
  function walk(position, end, depth) {
    while (position < end) {
      const [tag, afterTag] = varint(position)
      const [value, afterValue] = varint(afterTag)
      if ((tag & 7) !== 2) throw new Error(`unexpected wire type ${tag & 7}`)
      if (tag >>> 3 === path[depth]) {
        if (depth === path.length - 1) count += 1
        else walk(afterValue, afterValue + value, depth + 1)
      }
      position = afterValue + value
    }
  }
  function varint(position) {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[position++]
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return [value, position]
    }
  }
  walk(0, bytes.length, 0)
  return count
}
