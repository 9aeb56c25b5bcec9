import type { MessagePort } from 'node:worker_threads'
import type { ExportOutcome } from '../transport/transport.ts'

/** Where a worker sends requests to: plain data, resolved by the thread that ends. */
export interface ExitTarget {
  readonly protocol: 'grpc' | 'http/protobuf'
  /** HTTP: the full URL without sign-in. gRPC: `https://` or `http://` and the authority. */
  readonly url: string
  /** gRPC: what the socket connects to, unless there is a proxy. */
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string }
  /** gRPC: the path of the method. */
  readonly method: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** `undefined`: plain text. */
  readonly tls: ExitTls | undefined
  readonly compression: 'gzip' | 'none'
  /** Milliseconds that one attempt may take. */
  readonly timeoutMillis: number
  /** gRPC: the HTTP proxy that the environment names. */
  readonly proxy: ExitProxy | undefined
}

/** TLS material as contents in PEM. */
export interface ExitTls {
  readonly ca?: Uint8Array
  readonly cert?: Uint8Array
  readonly key?: Uint8Array
}

export interface ExitProxy {
  readonly host: string
  readonly port: number
  /** `Proxy-Authorization` */
  readonly authorization?: string
}

/** The requests for one receiver, oldest first. */
export interface ExitJob {
  readonly target: ExitTarget
  readonly requests: readonly ArrayBuffer[]
}

/** The `workerData` of the worker. */
export interface ExitWork {
  readonly jobs: readonly ExitJob[]
  /** When the last outcome is due, by `now`. */
  readonly endsAt: number
  /** Takes an `ExitAnswer` for each request. */
  readonly port: MessagePort
  /** One cell: how many answers have been posted. */
  readonly answered: Int32Array
}

export interface ExitAnswer {
  /** The index of the request among those of all jobs. */
  readonly request: number
  readonly outcome: ExportOutcome
}

/** Makes one attempt, until the abort. Never rejects. */
export type SendOnce = (request: Uint8Array, attempt: AbortSignal) => Promise<ExportOutcome>
