import { oneLine } from '@logbridge/bridge/internal'
import type { ExporterConfig } from '../config/exporter.ts'
import { keysOf } from './certificates.ts'
import type { Headers } from './headers.ts'
import { maskSecrets } from './maskSecrets.ts'
import { proxyUrls } from './proxy.ts'

/** Length of a message that is shown, in UTF-16 units. */
const MAX_SHOWN_LENGTH = 200
const SCHEME = /^(?:basic|bearer|digest|token|api-?key)(?:\s+|$)/i

/** Shortens a message of the receiver to one line without secrets. */
export type SanitizeMessage = (message: string) => string

/**
 * Creates the sanitizer for responses to one request. Collects the secrets only when a message is sanitized.
 *
 * @param config exporter whose URL and private key contain secrets
 * @param headers headers of the request
 */
export function createSanitizer(
  config: Pick<ExporterConfig, 'url' | 'tls' | 'proxy'>,
  headers: Headers,
): SanitizeMessage {
  return (message) => oneLine(maskSecrets(message, collectSecrets(config, headers)), MAX_SHOWN_LENGTH)
}

/** Returns values of headers, credentials, path and query values of URLs (proxies included), and the lines of private keys. */
export function collectSecrets(
  { url, tls, proxy }: Pick<ExporterConfig, 'url' | 'tls' | 'proxy'>,
  headers: Headers,
): string[] {
  const urls = [url, ...proxyUrls({ proxy })]
  return [
    ...Object.values(headers).flatMap((value) => [value.replace(SCHEME, ''), ...value.split(/[\s,;="]+/)]),
    ...urls.flatMap((text) => collectUrlSecrets(text)),
    ...(tls ? keysOf(tls).flatMap((key) => key.toString('latin1').split(/[\r\n]+|-----[A-Z ]+-----/)) : []),
  ].filter((secret) => secret.replace(SCHEME, '') !== '')
}

function collectUrlSecrets(text: string): string[] {
  const credentials = /\/\/([^/?#@]*(?:@[^/?#@]*)*)@/.exec(text)?.[1] ?? ''
  const [path = '', query = ''] = text.split('?', 2)
  // A long path segment with a digit is probably a key. The path of a gRPC target, such as `dns:///host:port`, is a name.
  const segments = /^https?:/i.test(path) ? path.split('/').slice(3) : []
  const keys = segments.filter((segment) => segment.length >= 16 && /\d/.test(segment))
  const values = query.split(/[&;#]/).map((pair) => pair.slice(pair.indexOf('=') + 1))
  const colon = credentials.indexOf(':')
  const user = credentials.slice(0, Math.max(colon, 0))
  return [credentials, user, credentials.slice(colon + 1), ...values, ...keys]
}
