/**
 * Child process that receives OTLP logs over gRPC, counts the records without decoding them, and discards them. Sends `port` once.
 * Answers each message with `records`, their number since the last message, and `watchedMillis`, the time from the call to the
 * arrival of a record `watched <Date.now()>` in a request with the header `x-watch`.
 *
 * Uses bare HTTP/2 with the window that a Collector reaches, so that no sender waits for the receiver. With the default window of
 * Node.js, 64 KiB, senders would wait for each other.
 */
import http2 from 'node:http2'
import { gunzipSync } from 'node:zlib'
import { status } from '@grpc/grpc-js'

const WINDOW_BYTES = 4 * 1024 * 1024
/** Bytes before a message: compression flag and length. */
const FRAME_BYTES = 5
let records = 0
let watchedMillis

const server = http2.createServer({ settings: { initialWindowSize: WINDOW_BYTES } })
server.on('session', (session) => session.setLocalWindowSize(2 * WINDOW_BYTES))
server.on('stream', (stream, headers) => {
  const chunks = []
  stream.on('data', (chunk) => chunks.push(chunk))
  stream.on('error', () => {})
  stream.on('end', () => {
    const refused = headers['x-refuse'] !== undefined
    const message = messageOf(chunks)
    if (!refused) records += countRecords(message)
    if (headers['x-watch'] !== undefined) watch(message)
    stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () =>
      stream.sendTrailers({ 'grpc-status': refused ? status.PERMISSION_DENIED : status.OK }),
    )
    stream.end(Buffer.alloc(FRAME_BYTES))
  })
})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', () => {
  process.send({ records, watchedMillis })
  records = 0
})
process.on('disconnect', () => process.exit())

function watch(message) {
  const at = message.indexOf('watched ')
  if (at >= 0) watchedMillis = Date.now() - Number(message.toString('latin1', at + 8, at + 21))
}

function messageOf(chunks) {
  const frame = Buffer.concat(chunks)
  const message = frame.subarray(FRAME_BYTES)
  return frame[0] === 1 ? gunzipSync(message) : message
}

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
