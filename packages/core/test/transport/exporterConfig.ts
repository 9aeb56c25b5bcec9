import type { ExporterConfig } from '../../src/config/exporter.ts'

/** An OTLP request that is as small as one can be. */
export const REQUEST: Buffer = Buffer.from('0a00', 'hex')
export const never: AbortSignal = new AbortController().signal

/** Settings of an exporter as they are by default. */
export function exporterConfig(url: string, options: Partial<ExporterConfig> = {}): ExporterConfig {
  return {
    protocol: 'grpc',
    url,
    headers: {},
    compression: 'none',
    timeoutMillis: 10_000,
    tls: undefined,
    proxy: undefined,
    agent: undefined,
    ...options,
  }
}

/** Invalid results of a headers function, and the expected reason. Each result contains the secret `hunter2`. */
export const WRONG_HEADERS: readonly (readonly [string, () => any, RegExp])[] = [
  ['a value with a newline', () => ({ authorization: 'Bearer hunter2\n' }), /authorization .*line break/],
  ['a value that is no string', () => ({ authorization: ['hunter2'] }), /authorization .*not a string/],
  ['no value', () => ({ hunter: undefined, token: 'hunter2' }), /hunter .*not a string/],
  ['a name that cannot be sent', () => ({ 'hunter2: x': '1' }), /name/],
  ['a header of the connection', () => ({ connection: 'hunter2' }), /connection/],
  ['nothing', () => undefined, /not an object/],
  ['a text', async () => 'hunter2', /not an object/],
  ['a Headers object', () => new Headers({ authorization: 'hunter2' }), /Object\.fromEntries/],
  [
    'an error',
    () => {
      throw new Error('hunter2')
    },
    /failed/,
  ],
  ['a rejection', () => Promise.reject(new Error('hunter2')), /failed/],
  // oxlint-disable-next-line prefer-promise-reject-errors -- it may be anything
  ['a rejection with nothing', () => Promise.reject(), /failed/],
]
