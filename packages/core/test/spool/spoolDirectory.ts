import * as fs from 'node:fs'
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { SpoolConfig } from '../../src/config/spool.ts'
import type { Fs } from '../../src/spool/files.ts'
import { openSpool } from '../../src/spool/spool.ts'
import type { Spool, SpoolEntry } from '../../src/spool/types.ts'

const root = mkdtempSync(join(tmpdir(), 'logbridge-spool-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let number = 0

/** Makes the path of a directory that does not exist. */
export function newDirectory(): string {
  number += 1
  return join(root, String(number))
}

export function spoolAt(directory: string, options: Partial<SpoolConfig> = {}, on: Fs = fs): Spool {
  return openSpool({ directory, maxBytes: 1024 * 1024, fsync: false, ...options }, on)
}

/** Copies a directory, as if all its processes were killed now. */
export function afterKill(directory: string): string {
  const copy = newDirectory()
  try {
    cpSync(directory, copy, { recursive: true })
    return copy
  } catch (error) {
    // Copy again, because a segment was removed meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return afterKill(directory)
  }
}

/** Lists the paths of all files with a suffix, in the order of writing. */
export function filesIn(directory: string, end = '.seg'): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
    .sort()
    .map((name) => join(directory, name))
}

/** Lists the names of the owned directories. */
export function directoriesIn(directory: string): string[] {
  return readdirSync(directory)
}

export function bytesOnDisk(directory: string): number {
  return filesIn(directory).reduce(
    (sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}

/** Recovers the entries of ended processes, and takes all waiting entries. */
export async function recover(spool: Spool): Promise<SpoolEntry[]> {
  await spool.recover(() => 1)
  return spool.take({ bytes: Infinity, records: Infinity })
}

/** Appends one request synchronously. */
export function appendSync(spool: Spool, request: Uint8Array): SpoolEntry | undefined {
  return spool.appendSync([{ bytes: request, recordCount: 1 }])[0]
}

/** Functions that append one request, by name. */
export const appends: Record<
  'append' | 'appendSync',
  (spool: Spool, request: Uint8Array) => Promise<SpoolEntry | undefined>
> = {
  append: (spool, request) => spool.append(request, 1),
  appendSync: async (spool, request) => appendSync(spool, request),
}

/** Reads entries, and joins their bytes. */
export function read(spool: Spool, ...entries: SpoolEntry[]): ReturnType<Spool['read']> {
  return spool.read(entries, Buffer.concat)
}

/** Reads each entry as text. */
export async function texts(spool: Spool, entries: readonly SpoolEntry[]): Promise<(string | undefined)[]> {
  return Promise.all(
    entries.map(async (entry) => {
      const { request } = await read(spool, entry)
      return request && Buffer.from(request).toString()
    }),
  )
}

/** Reads the entries that the next process recovers, as text, and leaves the directory unchanged. */
export async function found(directory: string): Promise<(string | undefined)[]> {
  const spool = spoolAt(directory)
  const contents = await texts(spool, await recover(spool))
  await spool.close()
  return contents
}

/** Appends texts one after another. @throws when an append is refused */
export async function keep(spool: Spool, ...contents: string[]): Promise<SpoolEntry[]> {
  const entries: SpoolEntry[] = []
  for (const text of contents) {
    const entry = await spool.append(Buffer.from(text), 1)
    if (entry === undefined) throw new Error(`${text} was refused`)
    entries.push(entry)
  }
  return entries
}

export function sorted(contents: readonly (string | undefined)[]): string[] {
  return contents.map(String).sort((one, other) => one.localeCompare(other))
}
