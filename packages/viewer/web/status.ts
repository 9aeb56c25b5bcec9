/** Status of the viewer, read again while telemetry arrives. */
import { effect, signal } from '@preact/signals'
import { readJson } from './api.ts'
import { connection, written } from './live.ts'
import type { Status } from './model.ts'

export const status = signal<Status | undefined>(undefined)

const SHORTEST_MILLIS = 1000
let timer: ReturnType<typeof setTimeout> | undefined

export async function loadStatus(): Promise<void> {
  try {
    status.value = await readJson<Status>('status')
  } catch {
    connection.value = 'lost'
  }
}

/** Reads the status, and again after updates. */
export function watchStatus(): void {
  void loadStatus()
  effect(() => {
    if (written.value === undefined) return
    timer ??= setTimeout(() => {
      timer = undefined
      void loadStatus()
    }, SHORTEST_MILLIS)
  })
}

/** Returns true when the store is known to have nothing. */
export function isEmpty(): boolean {
  const { stored } = status.value ?? {}
  const inserted = written.value?.inserted
  const isWritten = inserted !== undefined && inserted.logs + inserted.spans + inserted.metrics > 0
  return stored !== undefined && stored.logs + stored.spans + stored.metrics === 0 && !isWritten
}
