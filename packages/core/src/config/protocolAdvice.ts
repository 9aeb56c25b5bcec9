import type { OtlpProtocol } from './options.ts'

/** Advises on a connection to the port of another protocol. */
export function otherPort(protocol: OtlpProtocol): string {
  const name = protocol === 'grpc' ? 'gRPC' : 'HTTP'
  return `${protocolAdvice(protocol)}, because this seems to be a port for OTLP over ${name}`
}

/** Names the option and the variable that set a protocol. */
export function protocolAdvice(protocol: OtlpProtocol): string {
  return `set the option protocol or OTEL_EXPORTER_OTLP_PROTOCOL to ${protocol}`
}
