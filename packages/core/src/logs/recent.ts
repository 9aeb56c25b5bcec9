/**
 * Recently used values by key, within a number of bytes. When the newer half is full, the older half is cleared as a whole,
 * because deleting the oldest entries of a large Map one by one takes longer with each entry.
 */
export class RecentValues<Value> {
  private readonly halfBytes: number
  private newer = new Map<string, { readonly value: Value; readonly bytes: number }>()
  private newerBytes = 0
  private older = this.newer

  constructor(maxBytes: number) {
    this.halfBytes = maxBytes / 2
  }

  get(key: string): Value | undefined {
    const newer = this.newer.get(key)
    if (newer) return newer.value
    const older = this.older.get(key)
    if (older) this.set(key, older.value, older.bytes)
    return older?.value
  }

  /** @param bytes memory of key and value. A value of more than half of all bytes is not kept. */
  set(key: string, value: Value, bytes: number): void {
    if (bytes > this.halfBytes) return
    if (this.newerBytes + bytes > this.halfBytes) {
      this.older = this.newer
      this.newer = new Map()
      this.newerBytes = 0
    }
    this.newer.set(key, { value, bytes })
    this.newerBytes += bytes
  }
}
