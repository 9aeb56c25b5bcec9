/** Smaller requests cost more to compress than to send. */
export const GZIP_OVER_BYTES: number = 1024
/** An answer holds at most a partial success or a status; of a larger one no more is read. */
export const MAX_ANSWER_BYTES: number = 64 * 1024

/**
 * What became of one attempt to send a request. `status` is what the receiver answered: a gRPC status code or an HTTP
 * status; absent when no answer came.
 */
export type ExportOutcome =
  /** The receiver has it; it refused `rejected` of the records for good and may have said why. */
  | {
      readonly kind: 'delivered'
      readonly rejected: number
      readonly message?: string | undefined
      readonly status?: number | undefined
      /** More than one when it had to be sent again. Default 1. */
      readonly attempts?: number | undefined
      /** True when something may still read the memory of the request. */
      readonly stillRead?: boolean | undefined
    }
  /** It may be sent again, not before `retryAfterMillis` when the receiver named a delay. */
  | {
      readonly kind: 'retryable'
      readonly reason: string
      readonly retryAfterMillis?: number | undefined
      readonly status?: number | undefined
    }
  /** The request is larger than the receiver takes. */
  | { readonly kind: 'too_large'; readonly reason: string; readonly status?: number | undefined }
  /** It is refused for good. */
  | { readonly kind: 'failed'; readonly reason: string; readonly status?: number | undefined }

/** Listener for the outcome of each export, with the duration in seconds, retries included. */
export type ExportObserver = (outcome: ExportOutcome, seconds: number) => void

/**
 * Sends OTLP requests: the one interface that delivery is composed of. Reasons name codes and never hold a header.
 */
export interface Transport {
  /**
   * @param request an encoded `ExportLogsServiceRequest` (or that of spans or metrics)
   * @param signal aborts the attempt, with a `retryable` outcome unless the receiver has answered
   * @returns never rejects; resolves soon after the abort. After `delivered` without `stillRead` nothing reads `request` any more
   */
  send(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome>
  /** Ends the attempts that are being made, which would hold the process; they are made again if it lives on. */
  abandon?(): void
  close(): void
}
