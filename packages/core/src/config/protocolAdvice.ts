import type { OtlpProtocol } from './options.ts'

/** Names the option and the variable that set a protocol. */
export function protocolAdvice(protocol: OtlpProtocol): string {
  return `set the option protocol or OTEL_EXPORTER_OTLP_PROTOCOL to ${protocol}`
}
