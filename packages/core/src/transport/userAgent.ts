import metadata from '../../package.json' with { type: 'json' }

const { version } = metadata

/**
 * Value of `User-Agent`: the product, then the exporter in the form of the specification.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/#user-agent
 */
const USER_AGENT: string = `logbridge/${version} OTel-OTLP-Exporter-JavaScript/${version}`

/** Puts the `user-agent` of the application, if any, before ours. */
export function userAgent(given: string | undefined): string {
  return given ? `${given} ${USER_AGENT}` : USER_AGENT
}
