import type { LineReader } from '../reader.ts'

/** Bytes that tell UTF-16 from UTF-8. */
const PROBE_BYTES = 64
const LINE_FEED = 0x0a

/** Reader of the bytes of a file. Offsets are those of the file, also when its bytes are converted. */
export type FileReader = Pick<LineReader, 'write' | 'end' | 'flush' | 'position' | 'cutLines'>

/**
 * Reads a file of another encoding than UTF-8.
 *
 * @param encoding label of the Encoding standard, such as `utf-16le`
 */
export function convertingReader(reader: LineReader, encoding: string): FileReader {
  const decoder = new TextDecoder(encoding)
  const unit = decoder.encoding.startsWith('utf-16') ? 2 : 1
  const feed = unit === 1 ? [LINE_FEED] : decoder.encoding === 'utf-16be' ? [0, LINE_FEED] : [LINE_FEED, 0]
  /** Ends of lines: offset after conversion, and offset in the file. */
  const ends: [converted: number, offset: number][] = [[0, 0]]
  let converted = 0
  let offset = 0

  /** Drops ends before the position, because the position of stdin is never asked for. */
  function dropRead(): void {
    while (ends.length > 1 && ends[1]![0] <= reader.position) ends.shift()
  }

  function convert(bytes: Uint8Array): void {
    const text = Buffer.from(decoder.decode(bytes, { stream: true }))
    converted += text.length
    offset += bytes.length
    reader.write(text)
  }

  return {
    write(bytes) {
      const end = afterLastLine(Buffer.from(bytes), feed, unit, offset)
      if (end > 0) {
        convert(bytes.subarray(0, end))
        dropRead()
        ends.push([converted, offset])
      }
      if (end < bytes.length) convert(bytes.subarray(end))
    },
    flush: () => reader.flush(),
    end() {
      if (ends.at(-1)![0] === Infinity) return
      const rest = Buffer.from(decoder.decode())
      if (rest.length > 0) reader.write(rest)
      reader.end()
      ends.push([Infinity, offset])
    },
    get position() {
      dropRead()
      return ends[0]![1]
    },
    get cutLines() {
      return reader.cutLines
    },
  }
}

/** Returns the index behind the last line feed; 0 without one. */
function afterLastLine(bytes: Buffer, feed: readonly number[], unit: number, offset: number): number {
  for (
    let at = bytes.lastIndexOf(LINE_FEED);
    at >= 0;
    at = at === 0 ? -1 : bytes.lastIndexOf(LINE_FEED, at - 1)
  ) {
    const start = at - feed.indexOf(LINE_FEED)
    const isFeed = start >= 0 && feed.every((byte, index) => bytes[start + index] === byte)
    if (isFeed && (offset + start) % unit === 0) return start + feed.length
  }
  return 0
}

/** Returns the label of UTF-16 when the first bytes of a file are that. */
export function utf16Of(head: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  const [first, second] = head
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  const probe = head.subarray(0, PROBE_BYTES)
  if (probe.length < 4) return undefined
  const isNul = (parity: number): boolean => probe.every((byte, index) => index % 2 !== parity || byte === 0)
  if (isNul(0) === isNul(1)) return undefined
  return isNul(1) ? 'utf-16le' : 'utf-16be'
}
