import { checkOptions, type OptionRule, rules } from '@logbridge/bridge'
import { timers, unref } from '@logbridge/bridge/internal'
import { lineLimit, startOf } from './lineLimit.ts'
import { LineStream } from './lineStream.ts'
import { type LineOptions, lineOptionRules } from './options.ts'
import { createLineParser } from './parse.ts'
import { timeZoneOf } from './timeZone.ts'
import type { Fields, ParsedLine } from './types.ts'
import { unwrapCri } from './wrappers/cri.ts'
import { unwrapDocker } from './wrappers/docker.ts'

/** Options of `createLineReader`. */
export interface LineReaderOptions extends LineOptions {
  /** Called with each record, in the order of the lines of a stream. */
  onRecord: (record: ParsedLine) => void
  /**
   * Longest line in bytes. A longer line is cut, gets the attribute `logbridge.line.truncated`, and counts in `cutLines`. A line of OTLP
   * may have 16 MiB, because the Collector writes a request of thousands of records in one line, of which a part is no request.
   * @default 1048576 (1 MiB)
   */
  maxLineBytes?: number | undefined
  /**
   * Attributes for every record, such as `log.file.path`. A field of the line with the same name wins.
   * @default none
   */
  attributes?: Readonly<Fields> | undefined
}

/** Reader of the bytes of one stream or file. */
export interface LineReader {
  /** Reads the next bytes. The caller may reuse the chunk. Never throws, unless `onRecord` does. */
  write(chunk: Uint8Array): void
  /** Ends records that wait for continuation lines. An incomplete line keeps waiting. */
  flush(): void
  /** Ends the stream: its last bytes are a line, also without a line break. */
  end(): void
  /**
   * Offset of the first byte that belongs to no record that `onRecord` got, counted from the first byte that was written. All bytes before are
   * read, so that a reader can continue here.
   */
  readonly position: number
  /** Number of lines that were longer than `maxLineBytes`. */
  readonly cutLines: number
}

const DEFAULT_MAX_BYTES = 1024 * 1024
/** Longest wait for the continuation lines of a text. */
const CONTINUATION_MILLIS = 500
const LINE_FEED = 0x0a
const RETURN = 0x0d
const BRACE = 0x7b
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
const BYTE_ORDER_MARK = '\uFEFF'

const readerRules: Readonly<Record<keyof LineReaderOptions, OptionRule>> = {
  ...lineOptionRules,
  onRecord: rules.function,
  maxLineBytes: rules.count,
  attributes: rules.object,
}

/**
 * Creates a reader that turns the bytes of a stream into records: cuts lines, unwraps those of container runtimes, joins continuation lines
 * (of a text, not of JSON).
 *
 * @throws LogbridgeError `INVALID_OPTION`
 * @example
 * ```ts
 * const reader = createLineReader({ onRecord: (record) => bridge.emit(record) })
 * process.stdin.on('data', (chunk) => reader.write(chunk)).on('end', () => reader.end())
 * ```
 */
export function createLineReader(options: LineReaderOptions): LineReader {
  checkOptions('@logbridge/pipe', options, readerRules)
  return new Reader(options)
}

class Reader implements LineReader {
  cutLines = 0
  private readonly maxLineBytes: number
  private readonly zone
  /** Streams by their name in the file of a container runtime; `''` without one. */
  private readonly streams = new Map<string, LineStream>()
  private readonly plain: LineStream
  private readonly createStream: () => LineStream
  /** Bytes of a line whose end has not come yet, at most one more than its limit. */
  private tail: Buffer[] = []
  private tailBytes = 0
  /** Limit of the incomplete line; `undefined` while the line has `maxLineBytes` or less. */
  private tailLimit: number | undefined
  /** Number of bytes of the incomplete line that are not in `tail`. */
  private skippedBytes = 0
  /** Offset of the next line. */
  private lineStart = 0
  private timer: NodeJS.Timeout | undefined

  constructor({ onRecord, maxLineBytes = DEFAULT_MAX_BYTES, attributes, ...options }: LineReaderOptions) {
    this.maxLineBytes = maxLineBytes
    this.zone = timeZoneOf(options.timezone)
    const parser = createLineParser(options)
    this.createStream = () => new LineStream(parser, onRecord, attributes, maxLineBytes)
    this.plain = this.createStream()
    this.streams.set('', this.plain)
  }

  get position(): number {
    let position = this.lineStart
    for (const { heldFrom } of this.streams.values())
      if (heldFrom !== undefined && heldFrom < position) position = heldFrom
    return position
  }

  write(chunk: Uint8Array): void {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    let start = 0
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      if (this.tailBytes === 0) this.readLine(bytes, start, end)
      else {
        this.hold(bytes.subarray(start, end))
        this.readTail(1)
      }
      start = end + 1
    }
    if (start < bytes.length) this.hold(bytes.subarray(start))
    this.startTimer()
  }

  flush(): void {
    for (const stream of this.streams.values()) stream.flush()
  }

  end(): void {
    if (this.tailBytes > 0) this.readTail(0)
    for (const stream of this.streams.values()) stream.end()
    timers.clearTimeout(this.timer)
    this.timer = undefined
  }

  /** Keeps a copy of the start of a line, whose end has not come yet. */
  private hold(bytes: Buffer): void {
    if (this.tailBytes + bytes.length > this.maxLineBytes)
      this.tailLimit ??= lineLimit(startOf([...this.tail, bytes]), this.maxLineBytes)
    const room = (this.tailLimit ?? this.maxLineBytes) - this.tailBytes
    // One byte more shows that the line is too long.
    const kept = Math.min(bytes.length, room + 1)
    if (kept > 0) this.tail.push(Buffer.from(bytes.subarray(0, kept)))
    this.tailBytes += kept
    this.skippedBytes += bytes.length - kept
  }

  private readTail(breakBytes: number): void {
    const bytes = this.tail.length === 1 ? this.tail[0]! : Buffer.concat(this.tail, this.tailBytes)
    const skipped = this.skippedBytes
    this.tail = []
    this.tailBytes = 0
    this.skippedBytes = 0
    this.tailLimit = undefined
    this.readLine(bytes, 0, bytes.length, skipped + breakBytes)
  }

  /** Reads a line of the bytes from `start` to `end`, behind which `rest` bytes belong to it as well. */
  private readLine(bytes: Buffer, start: number, end: number, rest = 1): void {
    const from = this.lineStart
    this.lineStart += end - start + rest
    let last = end
    const { maxLineBytes } = this
    const isCut =
      end - start > maxLineBytes && end - start > lineLimit(bytes.subarray(start, end), maxLineBytes)
    if (isCut) {
      this.cutLines += 1
      last = endOfCodePoint(bytes, start + maxLineBytes)
    } else if (end > start && bytes[end - 1] === RETURN) last -= 1
    // Sparse files, which a truncation leaves to a writer that does not append, begin with NUL.
    let first = start
    while (first < last && bytes[first] === 0) first += 1
    if (first === last) return this.plain.addBlank()
    let text = bytes.toString('utf8', first, last)
    if (from === 0 && text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1)
    this.addLine(text, from, isCut, bytes.subarray(first, last))
  }

  private addLine(text: string, from: number, isCut: boolean, bytes: Buffer): void {
    const code = text.charCodeAt(0)
    const wrapped =
      code === BRACE
        ? unwrapDocker(text, this.zone)
        : code >= DIGIT_0 && code <= DIGIT_9
          ? unwrapCri(text, this.zone)
          : undefined
    if (wrapped === undefined) return this.plain.add(text, from, isCut)
    let stream = this.streams.get(wrapped.stream)
    if (stream === undefined) this.streams.set(wrapped.stream, (stream = this.createStream()))
    stream.addWrapped(wrapped, from, isCut, bytes)
  }

  private startTimer(): void {
    if (this.timer !== undefined || !this.isWaiting()) return
    this.timer = unref(
      timers.setTimeout(() => {
        this.timer = undefined
        for (const stream of this.streams.values()) stream.flushOlder(CONTINUATION_MILLIS)
        this.startTimer()
      }, CONTINUATION_MILLIS),
    )
  }

  private isWaiting(): boolean {
    for (const stream of this.streams.values()) if (stream.isWaiting) return true
    return false
  }
}

/** Returns the index of the first byte of the code point that a cut at `end` would split; `end` when it splits none. */
function endOfCodePoint(bytes: Buffer, end: number): number {
  let at = end
  while (at > end - 4 && at > 0 && (bytes[at]! & 0xc0) === 0x80) at -= 1
  return at
}
