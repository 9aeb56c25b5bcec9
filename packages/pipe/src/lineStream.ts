import { ContinuationState } from './continuation.ts'
import { printedException } from './exceptions/pythonText.ts'
import { setField } from './fields.ts'
import { lineLimit } from './lineLimit.ts'
import type { LineParser } from './parse.ts'
import type { Fields, ParsedLine, ParsedRecord } from './types.ts'
import type { WrappedLine } from './wrappers/wrapper.ts'

/** Longest text of a record with its continuation lines, in UTF-16 units. */
const MAX_TEXT_LENGTH = 64 * 1024
const TRUNCATED = 'logbridge.line.truncated'

/** Line whose parts have come so far. */
interface PartialLine {
  /** Bytes of the parts, because a container runtime may split a character. */
  readonly parts: Buffer[]
  length: number
  /** Number of bytes that the line may have. */
  readonly limit: number
  isCut: boolean
  /** Offset of the first part. */
  readonly from: number
}

/** Text that may be continued. */
interface WaitingText {
  readonly record: ParsedRecord
  readonly lines: string[]
  length: number
  /** Offset of the first line. */
  readonly from: number
  /** Time of the last line. */
  since: number
  /** Blank lines behind the text, which belong to it when it is continued. */
  blankLines: number
}

/** Lines of one stream of a program: joins the parts of a line, and the lines of a text. */
export class LineStream {
  private readonly parser: LineParser
  private readonly onRecord: (record: ParsedLine) => void
  private readonly attributes: readonly (readonly [key: string, value: unknown])[]
  private readonly maxLineBytes: number
  private readonly continuation = new ContinuationState()
  private text: WaitingText | undefined
  private partial: PartialLine | undefined
  private lastPart: WrappedLine | undefined
  /** Offset of the line that is being read, while `onRecord` gets the record before it. */
  private readFrom: number | undefined

  constructor(
    parser: LineParser,
    onRecord: (record: ParsedLine) => void,
    attributes: Readonly<Fields> | undefined,
    maxLineBytes: number,
  ) {
    this.parser = parser
    this.onRecord = onRecord
    this.attributes = Object.entries(attributes ?? {})
    this.maxLineBytes = maxLineBytes
  }

  /** Offset of the first line that no record has; `undefined` when all lines became records. */
  get heldFrom(): number | undefined {
    // A text precedes the parts of the next line.
    return this.text?.from ?? this.readFrom ?? this.partial?.from
  }

  /** True when a text waits for continuation lines. */
  get isWaiting(): boolean {
    return this.text !== undefined
  }

  /** @param from offset of the line */
  add(line: string, from: number, isCut: boolean, wrapped?: WrappedLine): void {
    if (this.text !== undefined) {
      if (this.joins(this.text, line)) return
      this.readFrom = from
      this.flush()
      this.readFrom = undefined
    }
    const parsed = this.parser.parse(line)
    if (parsed.format === 'otlp') return this.onRecord(parsed)
    this.complete(parsed, isCut, wrapped)
    if (parsed.format !== 'text') return this.onRecord(parsed)
    this.text = {
      record: parsed,
      lines: [line],
      length: line.length,
      from,
      since: performance.now(),
      blankLines: 0,
    }
    this.continuation.begin(line)
  }

  addBlank(): void {
    if (this.text !== undefined) this.text.blankLines += 1
  }

  /** @param bytes line of the file */
  addWrapped(wrapped: WrappedLine, from: number, isCut: boolean, bytes: Buffer): void {
    if (!wrapped.isPartial && this.partial === undefined)
      return this.addWhole(wrapped.line, from, isCut, wrapped)
    const { line, prefixLength } = wrapped
    const part = prefixLength === undefined ? Buffer.from(line) : bytes.subarray(prefixLength)
    const limit = this.partial?.limit ?? lineLimit(part, this.maxLineBytes)
    const partial = (this.partial ??= { parts: [], length: 0, limit, isCut: false, from })
    const kept = part.subarray(0, limit - partial.length)
    // The source may reuse its bytes. A line whose end never comes must take no memory beyond its limit.
    if (kept.length > 0) partial.parts.push(prefixLength === undefined ? kept : Buffer.from(kept))
    partial.length += kept.length
    partial.isCut ||= isCut || kept.length < part.length
    if (wrapped.isPartial) this.lastPart = wrapped
    else this.endPartial(partial, wrapped)
  }

  /** Ends the text that waits for continuation lines. */
  flush(): void {
    const { text } = this
    if (text === undefined) return
    this.text = undefined
    if (text.lines.length > 1) {
      const body = text.lines.join('\n')
      text.record.body = body
      text.record.exception = printedException(body)
    }
    this.onRecord(text.record)
  }

  /** Ends a text whose last line is older than `millis`. */
  flushOlder(millis: number): void {
    if (this.text !== undefined && performance.now() - this.text.since >= millis) this.flush()
  }

  end(): void {
    if (this.partial !== undefined) this.endPartial(this.partial, this.lastPart)
    this.flush()
  }

  private endPartial({ parts, length, from, isCut }: PartialLine, wrapped: WrappedLine | undefined): void {
    this.partial = undefined
    this.lastPart = undefined
    this.addWhole(Buffer.concat(parts, length).toString(), from, isCut, wrapped)
  }

  private addWhole(line: string, from: number, isCut: boolean, wrapped: WrappedLine | undefined): void {
    if (line === '') this.addBlank()
    else this.add(line, from, isCut, wrapped)
  }

  /** Appends a continuation line. Returns false for any other line. */
  private joins(text: WaitingText, line: string): boolean {
    const length = text.length + text.blankLines + line.length
    if (length >= MAX_TEXT_LENGTH || !this.continuation.continues(line)) return false
    for (; text.blankLines > 0; text.blankLines -= 1) text.lines.push('')
    text.lines.push(line)
    text.length = length + 1
    text.since = performance.now()
    return true
  }

  private complete(record: ParsedRecord, isCut: boolean, wrapped: WrappedLine | undefined): void {
    const { attributes } = record
    if (wrapped !== undefined) {
      record.observedTimestamp = wrapped.time
      record.timestamp ??= wrapped.time
      attributes['log.iostream'] ??= wrapped.stream
      for (const [key, value] of Object.entries(wrapped.attributes ?? {}))
        if (!Object.hasOwn(attributes, key)) setField(attributes, key, value)
    }
    for (const [key, value] of this.attributes) attributes[key] ??= value
    if (isCut) attributes[TRUNCATED] = true
  }
}
