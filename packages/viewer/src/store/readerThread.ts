/** Worker thread that answers queries. A query that takes too long ends with its thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { QueryError } from '../query/query.ts'
import { openReader } from './reader.ts'
import type { ReaderRequest, ReaderResponse } from './store.ts'

const reader = openReader((workerData as { file: string }).file)

parentPort!.on('message', ({ id, name, options }: ReaderRequest) => {
  let response: ReaderResponse
  try {
    response = { id, result: (reader[name] as (options: unknown) => unknown).call(reader, options) }
  } catch (error) {
    const location = error instanceof QueryError ? error.location : undefined
    response = { id, error: { message: (error as Error).message, location } }
  }
  parentPort!.postMessage(response, [])
})
