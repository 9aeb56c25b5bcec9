/** Size above which a request is compressed, because compressing a smaller request takes longer than sending it. */
export const GZIP_OVER_BYTES: number = 1024
/** Largest response that is read. https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-response */
export const MAX_ANSWER_BYTES: number = 4 * 1024 * 1024

/**
 * Outcome of one attempt to send a request. `status` is the gRPC status code or the HTTP status of the receiver; `undefined`
 * without a response.
 */
export type ExportOutcome =
  /** The receiver accepted the request, except for `rejected` of its records. */
  | {
      readonly kind: 'delivered'
      readonly rejected: number
      /** Cause of the rejection, or a warning of the receiver. */
      readonly message?: string | undefined
      readonly status?: number | undefined
      /** Number of attempts. @default 1 */
      readonly attempts?: number | undefined
      /** True when the memory of the request may still be read. */
      readonly stillRead?: boolean | undefined
    }
  /** The request can be retried. */
  | {
      readonly kind: 'retryable'
      readonly reason: string
      /** Settings to change, where the reason shows a wrong one. */
      readonly advice?: string | undefined
      /** Delay that the receiver asked for, in milliseconds. */
      readonly retryAfterMillis?: number | undefined
      readonly status?: number | undefined
    }
  /** The request is larger than the receiver accepts. */
  | { readonly kind: 'too_large'; readonly reason: string; readonly status?: number | undefined }
  /** The receiver refused the request, and a retry is forbidden. */
  | { readonly kind: 'failed'; readonly reason: string; readonly status?: number | undefined }

/** Listener for the outcome of each export, with the duration in seconds, retries included. */
export type ExportObserver = (outcome: ExportOutcome, seconds: number) => void

/** Sends OTLP requests. Reasons of outcomes contain error codes and no header. */
export interface Transport {
  /**
   * Largest number of requests that a queue has in flight at a time. With 1, requests are sent in order.
   *
   * @default 4
   */
  readonly maxConcurrentExports?: number
  /**
   * Sends one request.
   *
   * @param request encoded `ExportLogsServiceRequest`, or the request of spans or metrics
   * @param signal aborts the attempt, with a `retryable` outcome unless the receiver has answered
   * @returns promise that never rejects and resolves soon after the abort. After `delivered` without `stillRead`, nothing reads
   * `request` any more
   */
  send(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome>
  /** Closes what would keep the process alive. Attempts that this aborts have a `retryable` outcome. */
  abandon(): void
  close(): void
}
