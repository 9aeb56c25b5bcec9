import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Store } from '../store/store.ts'
import { toArray, write, writeLogs } from './lines.ts'

/** Shortest time between two updates. */
const UPDATE_MILLIS = 100
/** Longest time without an update, after which a comment keeps the connection open. */
const KEEP_ALIVE_MILLIS = 15_000
/** Largest number of rows in an update. */
const MAX_ROWS = 200
/** Largest number of rows that are read at once for a client that follows. */
const MAX_FOLLOWED_ROWS = 1000

/**
 * Sends server-sent events: at most ten a second, each with the number of new records that match, the newest rows, and the numbers of
 * stored and dropped records.
 */
export async function sendUpdates(
  store: Store,
  response: ServerResponse,
  query: string,
  limit: number = MAX_ROWS,
): Promise<void> {
  let { last } = await store.read('newLogs', { query, after: Number.MAX_SAFE_INTEGER })
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write('retry: 1000\n\n')
  let sent = ''
  let sentMillis = Date.now()
  while (!response.destroyed) {
    const written = JSON.stringify(store.written())
    if (written !== sent) {
      const {
        count,
        last: newest,
        rows,
      } = await store.read('newLogs', { query, after: last, limit: Math.min(limit, MAX_ROWS) })
      // A cleared store counts from one again.
      last = newest
      sent = written
      sentMillis = Date.now()
      await write(
        response,
        `data: {"count":${count},"last":${newest},"rows":${toArray(rows)},"written":${written}}\n\n`,
      )
    } else if (Date.now() - sentMillis > KEEP_ALIVE_MILLIS) {
      sentMillis = Date.now()
      await write(response, ': still here\n\n')
    }
    await delay(UPDATE_MILLIS)
  }
}

/**
 * Writes the newest records that match, then each one that arrives, as lines of JSON, oldest first.
 *
 * @param limit number of records that had arrived before
 */
export async function followLogs(
  store: Store,
  response: ServerResponse,
  query: string,
  limit: number,
): Promise<void> {
  let { last } = await store.read('newLogs', { query, after: Number.MAX_SAFE_INTEGER })
  const stored = limit === 0 ? [] : await store.read('logIds', { query, limit })
  response.writeHead(200, { 'cache-control': 'no-store' })
  response.flushHeaders()
  const newest = last
  await writeLogs(store, response, stored.filter((id) => id <= newest).toReversed())
  while (!response.destroyed) {
    const { ids, last: end } = await store.read('nextLogIds', {
      query,
      after: last,
      limit: MAX_FOLLOWED_ROWS,
    })
    last = end
    await writeLogs(store, response, ids)
    if (ids.length < MAX_FOLLOWED_ROWS) await delay(UPDATE_MILLIS)
  }
}
