/**
 * Values that were used last, by their keys, within a number of bytes. When the newer half is full, the older half is
 * forgotten: to take the oldest entry out of a large Map, again and again, takes longer with each one.
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

  /** @param bytes memory that key and value hold; a value that takes more than half of all is not kept */
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
