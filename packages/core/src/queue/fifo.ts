/** What can stand in a queue, in one at a time. */
export interface Queued {
  queue?: Fifo<Queued> | undefined
  previous?: Queued | undefined
  next?: Queued | undefined
}

/**
 * A queue that items may also be taken out of in its middle, each in constant time. (A Set steps over everything that was
 * ever deleted at its beginning, and an iterator that remembers the place keeps its old tables alive.)
 */
export class Fifo<Item extends Queued> {
  first: Item | undefined
  private last: Item | undefined

  has(item: Item): boolean {
    return item.queue === (this as unknown)
  }

  add(item: Item): void {
    item.queue = this as unknown as Fifo<Queued>
    item.previous = this.last
    if (this.last) this.last.next = item
    else this.first = item
    this.last = item
  }

  delete(item: Item): void {
    const { previous, next } = item
    if (previous) previous.next = next
    else this.first = next as Item | undefined
    if (next) next.previous = previous
    else this.last = previous as Item | undefined
    item.queue = undefined
    item.previous = undefined
    item.next = undefined
  }

  clear(): void {
    while (this.first) this.delete(this.first)
  }
}
