/**
 * Child process that reads lines of a format, and sends their records over gRPC: `pipe.js FORMAT URL`. Sends the CPU of all threads for a line, from
 * its bytes to the acknowledgement, and that of `JSON.parse` alone, in microseconds.
 */
import { readFileSync } from 'node:fs'
import { createLoggerProvider } from '@logbridge/core'
import { createLineBridge, createLineReader } from '@logbridge/pipe'

const [, , format, url] = process.argv
const LINES = 200_000
const CHUNK_BYTES = 64 * 1024

const fixture = new URL(`../../packages/pipe/test/fixtures/lines/${format}.jsonl`, import.meta.url)
const written = readFileSync(fixture, 'utf8').trimEnd().split('\n')
const lines = Array.from({ length: LINES }, (_, index) => written[index % written.length])

await deliver(lines.slice(0, 20_000))
const { cpuMicros, perSecond } = await deliver(lines)
process.send({ cpuMicros, perSecond, parseMicros: parse(lines) })
process.disconnect()

async function deliver(some) {
  const bytes = Buffer.from(`${some.join('\n')}\n`)
  const loggerProvider = createLoggerProvider({ endpoint: url, register: false })
  const bridge = createLineBridge({ loggerProvider })
  const reader = createLineReader({ onRecord: (record) => bridge.emit(record) })
  const begin = performance.now()
  const cpu = process.cpuUsage()
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    reader.write(bytes.subarray(at, at + CHUNK_BYTES))
    await new Promise(setImmediate)
  }
  reader.end()
  await loggerProvider.shutdown()
  const { user, system } = process.cpuUsage(cpu)
  const { delivered } = loggerProvider.stats()
  if (delivered !== some.length)
    throw new Error(`delivered ${delivered} of ${some.length} lines of ${format}`)
  return {
    cpuMicros: (user + system) / some.length,
    perSecond: (some.length / (performance.now() - begin)) * 1000,
  }
}

function parse(some) {
  const cpu = process.cpuUsage()
  for (const line of some) JSON.parse(line)
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / some.length
}
