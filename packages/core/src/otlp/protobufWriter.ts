/** Size of the largest record that fits into a request, because receivers accept 4 MiB by default. */
export const MAX_RECORD_BYTES: number = 4 * 1024 * 1024 - 64 * 1024

/**
 * Longest ASCII text that a loop writes in less time than `Buffer.write`: a call takes 25 ns, and 60 for a concatenated text, as most messages are
 * (`pnpm bench encode`).
 */
export const SHORT_TEXT = 42

/** Growth of a buffer beyond its full capacity, small enough to send that buffer without a copy. */
const FULL_GROWTH = 1.25
/** Longest text for which three bytes a character are reserved. */
const MEASURED_TEXT = 0x4000
/** Largest number of bytes of a character in UTF-8. */
const MAX_CHARACTER_BYTES = 4
const INITIAL_CAPACITY = 64 * 1024
/** Size above which a buffer that one huge record has grown is released. */
const KEPT_CAPACITY = 2 * 1024 * 1024

/** Encoded bytes in words of four, because copying a few words is faster than any call. */
export interface EncodedWords {
  readonly length: number
  readonly words: Int32Array
}

/** Returns the number of bytes of a varint. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < 0x1000_0000 ? 4 : 5
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}

function tooLarge(): RangeError {
  return new RangeError(`record is larger than ${MAX_RECORD_BYTES} bytes`)
}

/**
 * Writes protobuf into one growing buffer. https://protobuf.dev/programming-guides/encoding/
 *
 * `begin` reserves bytes for the length of a nested message. `end` moves a message whose length takes another number of bytes.
 */
export class ProtobufWriter {
  /** Bytes written so far. */
  position = 0
  protected buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_CAPACITY)
  /** View of `buffer`. V8 inlines the setters of a DataView, but calls those of a Buffer. */
  protected numbers: DataView = viewOf(this.buffer)
  /** Start positions of the open nested messages. */
  protected readonly open: number[] = []
  private readonly fullCapacity: number
  /** Largest size of the buffer in bytes. */
  protected ceiling: number = Infinity

  /** @param fullCapacity size up to which the buffer doubles as it grows */
  constructor(fullCapacity: number = Infinity) {
    this.fullCapacity = fullCapacity
  }

  get capacity(): number {
    return this.buffer.length
  }

  /** Returns the written bytes from `start` on, valid until the next write. */
  view(start = 0, end: number = this.position): Buffer {
    return this.buffer.subarray(start, end)
  }

  /** Copies the written bytes and resets. Allocates outside of Node's pool, because a slice would keep the whole pool alive. */
  take(): Buffer {
    const taken = Buffer.allocUnsafeSlow(this.position)
    this.buffer.copy(taken, 0, 0, this.position)
    this.reset()
    return taken
  }

  /** Returns the written bytes, one character for each byte, and resets. */
  takeLatin1(): string {
    const taken = this.buffer.toString('latin1', 0, this.position)
    this.reset()
    return taken
  }

  reset(): void {
    this.position = 0
    const kept = Math.max(INITIAL_CAPACITY, Math.min(KEPT_CAPACITY, this.fullCapacity))
    if (this.buffer.length > kept) this.use(Buffer.allocUnsafeSlow(INITIAL_CAPACITY))
  }

  /** Returns the buffer and continues with another. */
  exchange(next: Buffer): Buffer {
    const { buffer } = this
    this.use(next)
    this.position = 0
    return buffer
  }

  /** Reserves bytes. */
  skip(bytes: number): void {
    this.ensure(bytes)
    this.position += bytes
  }

  /** Writes a field of text. */
  stringField(tag: number, value: string): void {
    this.ensure(1)
    this.buffer[this.position++] = tag
    this.text(value)
  }

  /** Writes encoded bytes. */
  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length)
    this.buffer.set(bytes, this.position)
    this.position += bytes.length
  }

  /** Writes encoded bytes, one character for each byte. */
  latin1(bytes: string): void {
    this.ensure(bytes.length)
    this.position += this.buffer.write(bytes, this.position, 'latin1')
  }

  /** Writes bytes that another writer has encoded. */
  rawOf(source: ProtobufWriter, start: number, end: number = source.position): void {
    this.ensure(end - start)
    source.buffer.copy(this.buffer, this.position, start, end)
    this.position += end - start
  }

  /** Writes tag and length of a nested message that follows. */
  header(tag: number, length: number): void {
    this.ensure(6)
    this.buffer[this.position++] = tag
    this.varint(length)
  }

  /**
   * Opens a nested message; `end` closes it.
   * @param lengthBytes number of bytes to reserve for the length
   */
  begin(tag: number, lengthBytes = 1): void {
    this.ensure(1 + lengthBytes)
    this.buffer[this.position] = tag
    this.position += 1 + lengthBytes
    this.open.push(this.position)
  }

  /**
   * Closes a nested message, and moves it when its length does not take the reserved bytes.
   * @param lengthBytes as for `begin`
   * @returns the number of bytes of the length
   */
  end(lengthBytes = 1): number {
    const start = this.open.pop()!
    const length = this.position - start
    if (length < 0x80 && lengthBytes === 1) {
      this.buffer[start - 1] = length
      return 1
    }
    const needed = varintSize(length)
    if (needed !== lengthBytes) {
      this.ensure(3)
      this.buffer.copyWithin(start - lengthBytes + needed, start, this.position)
    }
    this.position = start - lengthBytes
    this.varint(length)
    this.position += length
    return needed
  }

  /** Writes nanoseconds since the epoch in two halves, so that each step stays within safe integers. */
  protected fixed64(tag: number, [seconds, nanoseconds]: readonly [number, number]): void {
    const upper = Math.floor(seconds / 0x1_0000) * 1e9
    const lower = (seconds & 0xffff) * 1e9 + nanoseconds
    // Shifts reduce a number modulo 2^32, much faster than `%`.
    const low = ((upper << 16) >>> 0) + (lower >>> 0)
    const high =
      Math.floor(upper / 0x1_0000) + Math.floor(lower / 0x1_0000_0000) + (low > 0xffff_ffff ? 1 : 0)
    this.ensure(9)
    this.buffer[this.position] = tag
    this.numbers.setUint32(this.position + 1, low, true)
    this.numbers.setUint32(this.position + 5, high, true)
    this.position += 9
  }

  protected varintField(tag: number, value: number): void {
    this.ensure(9)
    this.buffer[this.position++] = tag
    this.varint(value)
  }

  /** Writes a safe integer, 0 or more. The caller has ensured the space. */
  protected varint(value: number): void {
    this.position = this.varintAt(this.position, value)
  }

  protected varintAt(position: number, value: number): number {
    const { buffer } = this
    while (value >= 0x8000_0000) {
      buffer[position++] = (value & 0x7f) | 0x80
      value = Math.floor(value / 0x80)
    }
    while (value >= 0x80) {
      buffer[position++] = (value & 0x7f) | 0x80
      value >>>= 7
    }
    buffer[position++] = value
    return position
  }

  protected varint64(value: bigint): void {
    while (value >= 0x80n) {
      this.buffer[this.position++] = Number(value & 0x7fn) | 0x80
      value >>= 7n
    }
    this.buffer[this.position++] = Number(value)
  }

  /** Writes the length and the text in UTF-8. A lone surrogate becomes U+FFFD, as in `Buffer`. */
  private text(value: string): void {
    const { length } = value
    if (length <= SHORT_TEXT) {
      this.ensure(1 + length)
      const start = this.position + 1
      if (this.asciiAt(start, value)) {
        this.buffer[start - 1] = length
        this.position = start + length
        return
      }
    }
    this.longText(value)
  }

  /**
   * Writes a short text of ASCII characters, four at a time (`pnpm bench encode`).
   * @returns false for a text with other characters
   */
  protected asciiAt(position: number, value: string): boolean {
    const { buffer, numbers } = this
    const { length } = value
    let index = 0
    for (; index + 4 <= length; index += 4) {
      const a = value.charCodeAt(index)
      const b = value.charCodeAt(index + 1)
      const c = value.charCodeAt(index + 2)
      const d = value.charCodeAt(index + 3)
      if ((a | b | c | d) >= 0x80) return false
      numbers.setInt32(position + index, a | (b << 8) | (c << 16) | (d << 24), true)
    }
    for (; index < length; index += 1) {
      const code = value.charCodeAt(index)
      if (code >= 0x80) return false
      buffer[position + index] = code
    }
    return true
  }

  private longText(value: string): void {
    if (this.position + value.length > this.ceiling) throw tooLarge()
    const guess = varintSize(value.length)
    // A UTF-16 unit takes at most three bytes, and mostly one: a long text is written without a measurement of its bytes.
    this.ensure(5 + (value.length > MEASURED_TEXT ? value.length + 1 : value.length * 3))
    let size = this.buffer.write(value, this.position + guess)
    if (this.buffer.length - this.position - guess - size < MAX_CHARACTER_BYTES) {
      // The text may be cut at the end of the buffer.
      this.ensure(5 + Buffer.byteLength(value))
      size = this.buffer.write(value, this.position + guess)
    }
    const { buffer } = this
    const start = this.position
    const needed = varintSize(size)
    if (needed !== guess) buffer.copyWithin(start + needed, start + guess, start + guess + size)
    this.varint(size)
    this.position = start + needed + size
  }

  protected ensure(bytes: number): void {
    const needed = this.position + bytes
    if (needed <= this.buffer.length) return
    if (needed > this.ceiling) throw tooLarge()
    const { fullCapacity } = this
    let capacity = Math.max(needed, this.buffer.length * 2)
    if (needed > fullCapacity) capacity = Math.ceil(needed * FULL_GROWTH)
    else if (capacity > fullCapacity / 2) capacity = fullCapacity
    const grown = Buffer.allocUnsafeSlow(capacity)
    this.buffer.copy(grown, 0, 0, this.position)
    this.use(grown)
  }

  private use(buffer: Buffer): void {
    this.buffer = buffer
    this.numbers = viewOf(buffer)
  }

  /**
   * Copies four bytes at a time, which is faster than `set` for short bytes (`pnpm bench encode`). The caller has ensured the space
   * and three bytes more.
   */
  protected copyWords({ length, words }: EncodedWords, position: number): number {
    const { numbers } = this
    for (let index = 0; index < words.length; index += 1) {
      numbers.setInt32(position + index * 4, words[index]!, true)
    }
    return position + length
  }

  protected wordsSince(start: number): EncodedWords {
    this.ensure(3)
    const length = this.position - start
    const words = new Int32Array(Math.ceil(length / 4))
    for (let index = 0; index < words.length; index += 1) {
      words[index] = this.numbers.getInt32(start + index * 4, true)
    }
    return { length, words }
  }
}
