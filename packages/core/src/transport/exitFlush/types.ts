import type { GrpcAddress } from '../../config/grpcTarget.ts'
import type { TlsMaterial } from '../httpClient.ts'
import type { ExportOutcome } from '../transport.ts'
import type { Proxy } from '../tunnel.ts'

/** Receiver that the worker of an exit flush sends requests to. Plain data, resolved by the thread that ends. */
export interface ExitTarget {
  readonly protocol: 'grpc' | 'http/protobuf'
  /** The full URL without credentials for HTTP; `https://` or `http://` and the authority for gRPC. */
  readonly url: string
  /** Address of the socket for gRPC without a proxy. */
  readonly address: GrpcAddress
  /** Path of the method for gRPC. */
  readonly method: string
  /** Headers by name in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** `undefined` for plain text. */
  readonly tls: TlsMaterial | undefined
  readonly compression: 'gzip' | 'none'
  /** Time limit of one attempt in milliseconds. */
  readonly timeoutMillis: number
  /** `undefined` for a direct connection. */
  readonly proxy: Proxy | undefined
}

/** Makes one attempt and aborts with the signal. Never rejects. */
export type SendOnce = (request: Uint8Array, attempt: AbortSignal) => Promise<ExportOutcome>
