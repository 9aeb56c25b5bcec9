import { oneLine } from '@logbridge/bridge/internal'
import type { FileConfig, StdoutConfig } from '../config/file.ts'
import type { Signal } from '../config/optionTable.ts'
import { JsonWriter } from '../otlp/jsonWriter.ts'
import { countRecords, splitRequest } from '../otlp/logsRequest.ts'
import type { LineSink } from './appendLines.ts'
import { createLineFile } from './lineFile.ts'
import { createStdoutSink } from './stdout.ts'
import type { ExportOutcome, Transport } from './transport.ts'

/** Size above which a request is written as several lines, because readers of lines accept 1 MiB. */
const MAX_LINE_BYTES = 1024 * 1024
const DELIVERED: ExportOutcome = { kind: 'delivered', rejected: 0 }

/** Transport that appends OTLP JSON lines to a file or to stdout. */
export interface LineTransport extends Transport {
  /** Writes a request while the thread is blocked, until `endsAt` in milliseconds of `now()`. Never throws. */
  sendSync(request: Uint8Array, endsAt: number): ExportOutcome
}

/**
 * Creates a transport for OTLP JSON lines. A request is delivered when the operating system has its lines, with `fsync` when the disk
 * has them. Requests are written in turn. https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/
 */
export function createLineTransport(config: FileConfig | StdoutConfig, signal: Signal): LineTransport {
  const sink: LineSink = config.protocol === 'file' ? createLineFile(config) : createStdoutSink()
  const writer = new JsonWriter(signal)
  /** Writer for `sendSync`, because the lines of `writer` may be on their way to the file. */
  let exitWriter: JsonWriter | undefined
  let last: Promise<unknown> = Promise.resolve()

  async function write(request: Uint8Array, attempt: AbortSignal): Promise<ExportOutcome> {
    if (attempt.aborted) return { kind: 'retryable', reason: 'earlier lines are not written yet' }
    let lines: Buffer
    try {
      lines = toLines(writer, request)
    } catch (error) {
      return notEncoded(error)
    }
    try {
      await sink.write(lines, attempt)
      return DELIVERED
    } catch (error) {
      return notWritten(error as NodeJS.ErrnoException)
    }
  }

  function notWritten(error: NodeJS.ErrnoException): ExportOutcome {
    const reason = oneLine(error.message)
    return sink.isFinal(error)
      ? { kind: 'failed', reason: `stdout is closed: ${reason}` }
      : { kind: 'retryable', reason }
  }

  return {
    // Lines are in the order of the log calls.
    maxConcurrentExports: 1,
    send(request, attempt) {
      const outcome = last.then(() => write(request, attempt))
      last = outcome
      return outcome
    },
    sendSync(request, endsAt) {
      let lines: Buffer
      try {
        lines = toLines((exitWriter ??= new JsonWriter(signal)), request)
      } catch (error) {
        return notEncoded(error)
      }
      try {
        sink.writeSync(lines, endsAt)
        return DELIVERED
      } catch (error) {
        return notWritten(error as NodeJS.ErrnoException)
      }
    },
    abandon() {},
    close() {
      void last.then(() => sink.close())
    },
  }
}

/**
 * Encodes a request as one line, or as several when that line would be too long for readers.
 * @returns bytes that are valid until the next call
 */
function toLines(writer: JsonWriter, request: Uint8Array): Buffer {
  const line = writer.line(request)
  if (line.length <= MAX_LINE_BYTES) return line
  const count = countRecords(request)
  if (count < 2) return line
  return Buffer.concat(splitRequest(request, count).map((half) => Buffer.from(toLines(writer, half))))
}

function notEncoded(error: unknown): ExportOutcome {
  return { kind: 'failed', reason: `OTLP JSON: ${String(error)}` }
}
