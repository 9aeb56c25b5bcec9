/** Server-sent updates. One connection is open at a time, and none while the page is hidden, because browsers allow six to a host. */
import { effect, signal } from '@preact/signals'
import { apiUrl, parseJson } from './api.ts'
import type { Update } from './model.ts'

export type Connection = 'connecting' | 'live' | 'lost' | 'paused'
export const connection = signal<Connection>('connecting')

/** Numbers of stored and dropped records of the last update. */
export const written = signal<Update['written'] | undefined>(undefined)

export interface LiveOptions {
  /** Query of the records in the updates. */
  query: string
  /** Largest number of rows in an update; 0 for none. */
  limit?: number
  /** Called at each connection, before its updates: earlier updates can be missing. */
  onStart(): void
  onUpdate(update: Update): void
}

const RETRY_MILLIS = 1000
const isHidden = signal(document.hidden)
document.addEventListener('visibilitychange', () => {
  isHidden.value = document.hidden
})

/**
 * Receives updates until the returned function is called.
 */
export function receive({ query, limit, onStart, onUpdate }: LiveOptions): () => void {
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  function close(): void {
    clearTimeout(timer)
    source?.close()
    source = undefined
  }

  function open(): void {
    close()
    let isStarted = false
    source = new EventSource(apiUrl('live', { q: query || undefined, limit }))
    source.addEventListener('message', ({ data }: MessageEvent<string>) => {
      connection.value = 'live'
      const update = parseJson(data) as Update
      written.value = update.written
      if (isStarted) onUpdate(update)
      else onStart()
      isStarted = true
    })
    source.addEventListener('error', () => {
      connection.value = 'lost'
      close()
      timer = setTimeout(open, RETRY_MILLIS)
    })
  }

  const dispose = effect(() => {
    if (isHidden.value) {
      connection.value = 'paused'
      close()
    } else {
      connection.value = 'connecting'
      open()
    }
  })
  return () => {
    dispose()
    close()
  }
}
