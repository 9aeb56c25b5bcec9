import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Encoding, Signal } from '../decode.ts'
import { ViewerError } from '../errors.ts'
import { TooLargeError } from '../memory.ts'
import { QueryError, type Location } from '../query/query.ts'
import { DEFAULT_BOUNDS, type Bounds } from './bounds.ts'
import type { Reader } from './answers.ts'
import type { Written } from './writer.ts'

export type WriterRequest = { id: number } & (
  | { type: 'write'; signal: Signal; encoding: Encoding; bytes: Uint8Array }
  | { type: 'clear' | 'close' }
)
export interface WriterResponse {
  id: number
  written: Written
  error?: { message: string; isTooLarge: boolean; isDatabase: boolean }
}
/** Names of the queries of a reader. */
export type QueryName = Exclude<keyof Reader, 'close'>
export interface ReaderRequest {
  id: number
  name: QueryName
  options: unknown
}
export interface ReaderResponse {
  id: number
  result?: unknown
  error?: { message: string; location: Location | undefined }
}

export interface StoreOptions {
  /**
   * File that keeps the data.
   *
   * @default a temporary file, which `close` deletes
   */
  file?: string
  bounds?: Partial<Bounds>
  maxMessageBytes: number
  /**
   * Longest time of a query in milliseconds.
   *
   * @default 5000
   */
  queryTimeoutMillis?: number
}

/** Database of what arrived. Writes and reads run in separate threads, because calls of SQLite are synchronous. */
export interface Store {
  /** Stores the records of a request. Takes over the bytes. */
  write(signal: Signal, encoding: Encoding, bytes: Uint8Array): Promise<void>
  /**
   * Runs a query of the reader.
   *
   * @throws QueryError for a wrong query, and ViewerError `QUERY_TIMEOUT`
   */
  read<Name extends QueryName>(
    name: Name,
    options?: Parameters<Reader[Name]>[0],
  ): Promise<ReturnType<Reader[Name]>>
  /** Numbers of stored and dropped records since the start. */
  written(): Written
  clear(): Promise<void>
  /** Ends the threads. Later calls of other methods reject with ViewerError `CLOSED`. */
  close(): Promise<void>
}

/**
 * Opens a store.
 *
 * @throws ViewerError `DATABASE` when the file cannot be used
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { maxMessageBytes, queryTimeoutMillis = 5000 } = options
  const folder = options.file === undefined ? mkdtempSync(join(tmpdir(), 'logbridge-viewer-')) : undefined
  const file = options.file ?? join(folder!, 'viewer.db')
  let written: Written | undefined
  const writer = startThread<WriterResponse>('writerThread', {
    file,
    bounds: { ...DEFAULT_BOUNDS, ...options.bounds },
    maxMessageBytes,
  })
  await new Promise<void>((resolve, reject) => {
    writer.worker.once('message', (response: WriterResponse) => {
      written = response.written
      resolve()
    })
    writer.worker.once('error', (error: Error) =>
      reject(new ViewerError('DATABASE', error.message, { cause: error })),
    )
  })
  let reader = startThread<ReaderResponse>('readerThread', { file })
  let lastRead = Promise.resolve()

  async function ask(request: Record<string, unknown>, transfer: ArrayBuffer[] = []): Promise<void> {
    const { error, written: numbers } = await writer.ask(request, transfer)
    written = numbers
    if (error === undefined) return
    if (error.isTooLarge) throw new TooLargeError(error.message)
    if (error.isDatabase) throw new ViewerError('DATABASE', `Storing failed: ${error.message}.`)
    throw new Error(error.message)
  }

  let closed: Promise<void> | undefined
  async function close(): Promise<void> {
    await ask({ type: 'close' })
    await reader.worker.terminate()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }

  return {
    write(signal, encoding, bytes) {
      // A small request is a view of a shared buffer, which cannot be transferred.
      const owned = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
      return ask({ type: 'write', signal, encoding, bytes: owned }, [owned.buffer as ArrayBuffer])
    },
    async read(name, queryOptions) {
      // One query at a time, so that each has its own time, and a query that is ended takes no other with it.
      const previous = lastRead
      const { promise, resolve: finish } = Promise.withResolvers<void>()
      lastRead = promise
      await previous
      const current = reader
      let timer
      const timeout = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          if (reader === current) reader = startThread<ReaderResponse>('readerThread', { file })
          void current.worker.terminate()
          const message = `The query was ended after ${queryTimeoutMillis / 1000} s. Narrow it, for example with since=15m.`
          reject(new ViewerError('QUERY_TIMEOUT', message))
        }, queryTimeoutMillis)
      })
      try {
        const { result, error } = await Promise.race([current.ask({ name, options: queryOptions }), timeout])
        if (error?.location !== undefined) throw new QueryError(error.message, error.location)
        if (error !== undefined) throw new Error(error.message)
        return result as never
      } finally {
        clearTimeout(timer)
        finish()
      }
    },
    written: () => written!,
    clear: () => ask({ type: 'clear' }),
    close: () => (closed ??= close()),
  }
}

interface Thread<Response> {
  worker: Worker
  ask(request: Record<string, unknown>, transfer?: ArrayBuffer[]): Promise<Response>
}

/** Starts a thread that answers each message by its id. */
function startThread<Response extends { id: number }>(name: string, workerData: object): Thread<Response> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./${name}.${extension}`, import.meta.url), {
    workerData,
    // Node.js 22 warns about node:sqlite.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const waiting = new Map<number, { resolve(response: Response): void; reject(error: Error): void }>()
  let lastId = 0
  worker.on('message', (response: Response) => {
    waiting.get(response.id)?.resolve(response)
    waiting.delete(response.id)
  })
  let ended: Error | undefined
  const end = (error: Error): void => {
    ended ??= error
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  worker.on('error', end)
  worker.on('exit', () => end(new ViewerError('CLOSED', 'The store was closed.')))
  return {
    worker,
    ask: (request, transfer = []) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended)
        lastId += 1
        waiting.set(lastId, { resolve, reject })
        worker.postMessage({ id: lastId, ...request }, transfer)
      }),
  }
}
