import type { ExportOutcome } from '../transport.ts'

/** Receiver that the worker of an exit flush sends requests to. Plain data, resolved by the thread that ends. */
export interface ExitTarget {
  readonly protocol: 'grpc' | 'http/protobuf'
  /** The full URL without credentials for HTTP; `https://` or `http://` and the authority for gRPC. */
  readonly url: string
  /** Address of the socket for gRPC without a proxy. */
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string }
  /** Path of the method for gRPC. */
  readonly method: string
  /** Headers by name in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** `undefined` for plain text. */
  readonly tls: ExitTls | undefined
  readonly compression: 'gzip' | 'none'
  /** Time limit of one attempt in milliseconds. */
  readonly timeoutMillis: number
  /** HTTP proxy for gRPC, from the environment. */
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
  /** The value of `Proxy-Authorization`. */
  readonly authorization?: string
}

/** Makes one attempt and aborts with the signal. Never rejects. */
export type SendOnce = (request: Uint8Array, attempt: AbortSignal) => Promise<ExportOutcome>
