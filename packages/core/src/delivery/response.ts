import { contents, fields } from './wire.ts'
import type { ExportOutcome } from './transport.ts'

/**
 * Reads an `ExportLogsServiceResponse`. Partial success counts as delivered and is never sent again. What cannot be
 * read counts as full success, as the request was accepted. https://opentelemetry.io/docs/specs/otlp/#partial-success
 */
export function readExportResponse(response: Uint8Array | undefined): ExportOutcome {
  let rejected = 0
  let message: string | undefined
  try {
    for (const partialSuccess of contents(response, 1)) {
      for (const field of fields(partialSuccess)) {
        if (field.number === 1 && typeof field.value === 'number') rejected = field.value
        if (field.number === 2 && field.value instanceof Uint8Array)
          message = Buffer.from(field.value).toString()
      }
    }
  } catch {
    return { kind: 'delivered', rejected: 0 }
  }
  return { kind: 'delivered', rejected, message }
}

/**
 * The delay that a `google.rpc.RetryInfo` among the details of a `google.rpc.Status` asks for, in milliseconds.
 * https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-throttling
 */
export function readRetryInfo(status: Uint8Array | undefined): number | undefined {
  try {
    for (const detail of contents(status, 3)) {
      const [typeUrl] = contents(detail, 1)
      if (
        !Buffer.from(typeUrl ?? [])
          .toString()
          .endsWith('google.rpc.RetryInfo')
      )
        continue
      for (const retryInfo of contents(detail, 2)) {
        let millis = 0
        for (const duration of contents(retryInfo, 1)) {
          for (const field of fields(duration)) {
            if (typeof field.value === 'number')
              millis += field.number === 1 ? field.value * 1e3 : field.value / 1e6
          }
        }
        return millis
      }
    }
  } catch {
    // A status that cannot be read names no delay.
  }
  return undefined
}
