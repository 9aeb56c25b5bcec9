/** Entry waits on disk to be taken. */
export const WAITING = 0
/** Entry is taken by the caller, who sends it. */
export const TAKEN = 1
/** Entry could not be read and waits for another try. */
export const DEFERRED = 2
/** Entry is acknowledged in memory; its ack is not on disk yet. */
export const ACKED = 3
/** Entry is acknowledged, and its ack is on disk. */
export const ACK_WRITTEN = 4

const WORDS = 3
/** Factor of growth: a growing table takes at most 15 bytes of memory for each entry. */
const GROWTH = 1.25
const STATE_SHIFT = 29
/** Largest record count that fits beside the state. No request holds as many log records. */
const MAX_COUNT = 2 ** STATE_SHIFT - 1

/** Entries of one segment, in the order of writing: 12 bytes of memory for each. */
export class EntryTable {
  length = 0
  /** Three words for each entry: its offset in the segment, its sequence, and its state with its record count. */
  private words = new Uint32Array(8 * WORDS)

  /** Memory of the table in bytes. */
  get bytes(): number {
    return this.words.byteLength
  }

  /** Log records of all entries. */
  get totalCount(): number {
    let sum = 0
    for (let index = 0; index < this.length; index += 1) sum += this.count(index)
    return sum
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

  sequence(index: number): number {
    return this.words[index * WORDS + 1]!
  }

  setSequence(index: number, sequence: number): void {
    this.words[index * WORDS + 1] = sequence
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

  /** Finds the index of the entry at an offset. @returns -1 when no entry starts there */
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

  /** Removes the entries whose acks are on disk. The indexes of later entries change. */
  dropAcked(): void {
    let kept = 0
    for (let index = 0; index < this.length; index += 1) {
      if (this.state(index) === ACK_WRITTEN) continue
      if (kept < index) this.words.copyWithin(kept * WORDS, index * WORDS, (index + 1) * WORDS)
      kept += 1
    }
    this.length = kept
  }

  /** Copies the entries into a table without spare memory. */
  copy(): EntryTable {
    const copy = new EntryTable()
    copy.words = this.words.slice(0, this.length * WORDS)
    copy.length = this.length
    return copy
  }

  /** Frees the spare memory for later entries. */
  trim(): void {
    if (this.length * WORDS < this.words.length) this.resize(Math.max(this.length, 1))
  }

  private resize(entries: number): void {
    const words = new Uint32Array(entries * WORDS)
    words.set(this.words.subarray(0, this.length * WORDS))
    this.words = words
  }
}
