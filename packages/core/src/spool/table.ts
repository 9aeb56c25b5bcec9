/** Waits on disk for its turn. */
export const WAITING = 0
/** Somebody has it: it is being sent. */
export const TAKEN = 1
/** Could not be read, and waits to be tried again. */
export const ASIDE = 2
/** Settled; the file does not yet say so. */
export const ACKED = 3
/** Settled, and the file says so. */
export const ACK_WRITTEN = 4

const WORDS = 3
/** At most 15 bytes of memory an entry while a table grows. */
const GROWTH = 1.25
const STATE_SHIFT = 29
/** No request holds as many log records. */
const MAX_COUNT = 2 ** STATE_SHIFT - 1

/** The entries of one segment, in the order of writing: 12 bytes of memory for each. */
export class EntryTable {
  length = 0
  /** Of each entry: offset in the segment, number, state and count of log records. */
  private words = new Uint32Array(8 * WORDS)

  /** Bytes of memory. */
  get bytes(): number {
    return this.words.byteLength
  }

  add(offset: number, count: number, state: number): void {
    const at = this.length * WORDS
    if (at === this.words.length) this.resize(Math.ceil(this.length * GROWTH) + 1)
    this.words[at] = offset
    this.words[at + 1] = 0
    this.words[at + 2] = (state << STATE_SHIFT) | Math.min(count, MAX_COUNT)
    this.length += 1
  }

  offset(index: number): number {
    return this.words[index * WORDS]!
  }

  number(index: number): number {
    return this.words[index * WORDS + 1]!
  }

  setNumber(index: number, number: number): void {
    this.words[index * WORDS + 1] = number
  }

  count(index: number): number {
    return this.words[index * WORDS + 2]! & MAX_COUNT
  }

  state(index: number): number {
    return this.words[index * WORDS + 2]! >>> STATE_SHIFT
  }

  setState(index: number, state: number): void {
    this.words[index * WORDS + 2] = (state << STATE_SHIFT) | this.count(index)
  }

  /** The index of the entry at an offset; -1 when none is there. */
  find(offset: number): number {
    let low = 0
    let high = this.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.offset(middle)
      if (found === offset) return middle
      if (found < offset) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  /** Drops entries that are settled and marked so: the indexes of others change. */
  dropAcked(): void {
    let kept = 0
    for (let index = 0; index < this.length; index += 1) {
      if (this.state(index) === ACK_WRITTEN) continue
      if (kept < index) this.words.copyWithin(kept * WORDS, index * WORDS, (index + 1) * WORDS)
      kept += 1
    }
    this.length = kept
  }

  /** The same entries in no more memory than they take. */
  copy(): EntryTable {
    const copy = new EntryTable()
    copy.words = this.words.slice(0, this.length * WORDS)
    copy.length = this.length
    return copy
  }

  /** Gives back what is held for entries to come. */
  trim(): void {
    if (this.length * WORDS < this.words.length) this.resize(Math.max(this.length, 1))
  }

  private resize(entries: number): void {
    const words = new Uint32Array(entries * WORDS)
    words.set(this.words.subarray(0, this.length * WORDS))
    this.words = words
  }
}
