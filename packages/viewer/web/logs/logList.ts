import { batch, computed, signal } from '@preact/signals'
import { QueryError } from '../../src/query/query.ts'
import { readLines } from '../api.ts'
import { ERROR } from '../format.ts'
import { connection, receive } from '../live.ts'
import type { Log, Update } from '../model.ts'

const PAGE_ROWS = 200
/** Most records in memory. Those far from the view are read again when the view comes back. */
const MAX_LOADED = 10_000

/** Records that match a query, newest first, without gaps. */
export interface LogList {
  readonly rows: { readonly value: readonly Log[] }
  /** True until the records of a new query are there. */
  readonly isLoading: { readonly value: boolean }
  readonly error: { readonly value: Error | undefined }
  /** True while new records are shown as they arrive. */
  readonly isFollowing: { readonly value: boolean }
  /** Number of records that arrived since the list does not follow. */
  readonly newCount: { readonly value: number }
  loadOlder(): Promise<void>
  loadNewer(): Promise<void>
  /** Shows the newest records, and new ones as they arrive. */
  follow(): void
  stopFollowing(): void
  /** Shows a record with those around it. */
  show(id: number): Promise<void>
  /** Returns the next older record of ERROR or above, which is loaded. */
  nextError(id: number | undefined): Promise<Log | undefined>
  close(): void
}

export interface LogListOptions {
  query: string
  /** Record to show first instead of the newest one. */
  shown?: number | undefined
  /** Called after new records have been counted. */
  onNew?(): void
}

export function openLogList({ query, shown, onNew }: LogListOptions): LogList {
  const rows = signal<readonly Log[]>([])
  const isLoading = signal(true)
  const error = signal<Error | undefined>(undefined)
  const isFollowing = signal(shown === undefined)
  const newCount = signal(0)
  const aborted = new AbortController()
  /** True when no older or newer record is left to read. */
  const isWhole = { older: false, newer: false }
  let lastRun = Promise.resolve()
  let running = 0
  /** Records that arrived during a read, whose answer can lack them. */
  let arrivedMeanwhile: Log[] = []

  const read = (parameters: Record<string, number | undefined>): Promise<Log[]> =>
    readLines<Log>('logs', { q: query || undefined, limit: PAGE_ROWS, ...parameters }, aborted.signal)

  /** Runs one read after the other. Errors are shown instead of the records. */
  function run(task: () => Promise<void>): Promise<void> {
    running += 1
    lastRun = lastRun
      .then(task)
      .catch(fail)
      .finally(() => {
        running -= 1
        isLoading.value = false
      })
    return lastRun
  }

  /** Reads on when no other read is running. Scrolling asks often. */
  function runWhenIdle(task: () => Promise<void>): Promise<void> {
    return running === 0 ? run(task) : lastRun
  }

  function fail(reason: Error): void {
    if (aborted.signal.aborted) return
    error.value = reason
    // A wrong query stays wrong.
    if (reason instanceof QueryError) {
      stopUpdates()
      connection.value = 'paused'
    }
  }

  async function loadNewest(): Promise<void> {
    arrivedMeanwhile = []
    const newest = await read({})
    batch(() => {
      rows.value = newest
      error.value = undefined
      newCount.value = 0
    })
    isWhole.older = newest.length < PAGE_ROWS
    isWhole.newer = true
    merge(arrivedMeanwhile)
  }

  async function loadAround(id: number): Promise<void> {
    const [newer, [record], older] = await Promise.all([
      read({ after: id }),
      readLines<Log>('context', { id, count: 0 }, aborted.signal),
      read({ before: id }),
    ])
    batch(() => {
      rows.value = [...newer, ...(record === undefined ? [] : [record]), ...older]
      isFollowing.value = false
      error.value = undefined
    })
    isWhole.older = older.length < PAGE_ROWS
    isWhole.newer = newer.length < PAGE_ROWS
  }

  function update({ count, rows: arrived }: Update): void {
    if (count === 0) return
    onNew?.()
    if (running > 0) arrivedMeanwhile.push(...arrived)
    if (!isFollowing.value) {
      isWhole.newer = false
      newCount.value += count
    } else if (count > arrived.length) {
      // Older loaded records no longer adjoin the new ones.
      rows.value = [...arrived].sort(newestFirst)
      isWhole.older = false
    } else {
      merge(arrived)
    }
  }

  function merge(arrived: readonly Log[]): void {
    const known = new Set(rows.value.slice(0, PAGE_ROWS * 2).map(({ id }) => id))
    const oldest = rows.value.at(-1)
    const fresh = arrived.filter(
      (each) =>
        !known.has(each.id) && (isWhole.older || oldest === undefined || newestFirst(each, oldest) < 0),
    )
    if (fresh.length === 0) return
    fresh.sort(newestFirst)
    const [newest] = rows.value
    const isInOrder = newest === undefined || newestFirst(fresh.at(-1)!, newest) < 0
    const next = isInOrder ? [...fresh, ...rows.value] : [...fresh, ...rows.value].sort(newestFirst)
    // A list that follows shows its newest rows, so that the oldest can be read again.
    const kept = PAGE_ROWS * 2
    if (next.length > 2 * kept) isWhole.older = false
    rows.value = next.length > 2 * kept ? next.slice(0, kept) : next
  }

  async function loadOlder(): Promise<void> {
    const oldest = rows.value.at(-1)
    if (isWhole.older || oldest === undefined) return
    const older = await read({ before: oldest.id })
    isWhole.older = older.length < PAGE_ROWS
    const all = [...rows.value, ...older]
    if (all.length > MAX_LOADED) isWhole.newer = false
    if (older.length > 0) rows.value = all.slice(-MAX_LOADED)
  }

  async function loadNewer(): Promise<void> {
    const [newest] = rows.value
    if (isWhole.newer || isFollowing.value || newest === undefined) return
    const newer = await read({ after: newest.id })
    isWhole.newer = newer.length < PAGE_ROWS
    const all = [...newer, ...rows.value]
    if (all.length > MAX_LOADED) isWhole.older = false
    if (newer.length > 0) rows.value = all.slice(0, MAX_LOADED)
  }

  const stopUpdates = receive({
    query,
    onStart: () => {
      if (isFollowing.value) void run(loadNewest)
      onNew?.()
    },
    onUpdate: update,
  })
  void run(() => (shown === undefined ? loadNewest() : loadAround(shown)))

  return {
    rows,
    isLoading: computed(() => isLoading.value),
    error,
    isFollowing,
    newCount,
    loadOlder: () => runWhenIdle(loadOlder),
    loadNewer: () => runWhenIdle(loadNewer),
    follow() {
      isFollowing.value = true
      void run(loadNewest)
    },
    stopFollowing() {
      isFollowing.value = false
    },
    show: (id) => run(() => loadAround(id)),
    async nextError(id) {
      const at = rows.value.findIndex((each) => each.id === id)
      const loaded = rows.value.slice(at + 1).find(({ severity }) => severity >= ERROR)
      if (loaded !== undefined) return loaded
      const [found] = await readLines<Log>(
        'logs',
        {
          q: query === '' ? 'level>=error' : `(${query}) level>=error`,
          before: rows.value.at(-1)?.id,
          limit: 1,
        },
        aborted.signal,
      )
      if (found !== undefined) await run(() => loadAround(found.id))
      return found
    },
    close() {
      aborted.abort()
      stopUpdates()
    },
  }
}

function newestFirst(a: Log, b: Log): number {
  // Times are decimal numbers of nanoseconds.
  if (a.time.length !== b.time.length) return b.time.length - a.time.length
  if (a.time !== b.time) return a.time < b.time ? 1 : -1
  return b.id - a.id
}
