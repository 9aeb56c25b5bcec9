import { rules } from '@logbridge/bridge'
import type { LoggerProviderOptions } from '@logbridge/core'
import type { LineBridgeOptions } from '../adapter.ts'
import type { LineOptions } from '../options.ts'
import { MAX_QUEUE_BYTES } from './sender.ts'

/** Error in the arguments of the command. */
export class UsageError extends Error {}

/** Options of the command. */
export interface Settings {
  quiet?: boolean
  serviceFrom?: string
  fromStart?: boolean
  checkpoints?: string
  encoding?: string
  line: LineOptions
  bridge: LineBridgeOptions
  delivery: LoggerProviderOptions
}

/** Option of the command. */
export interface Flag {
  /** Name of the value, for the help; `undefined` for a switch. */
  readonly value?: string
  readonly text: string
  /** True when the option may be given several times. */
  readonly multiple?: boolean
  /** Puts the value into the settings. */
  readonly apply: (settings: Settings, value: string, flag: string) => void
}

/** Section of the help. */
export interface Section {
  readonly title: string
  readonly flags: Readonly<Record<string, Flag>>
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Target = 'line' | 'bridge' | 'delivery'

/** Text option of the parser, the bridge, or the LoggerProvider. */
function text(target: Target, name: string, value: string, description: string): Flag {
  return { value, text: description, apply: (settings, given) => set(settings[target], name, given) }
}

function toggle(target: Target, name: string, description: string, on = true): Flag {
  return { text: description, apply: (settings) => set(settings[target], name, on) }
}

function number(target: Target, name: string, value: string, description: string): Flag {
  return {
    value,
    text: description,
    apply: (settings, given, flag) => set(settings[target], name, toNumber(flag, given)),
  }
}

function list(target: Target, name: string, value: string, description: string): Flag {
  return {
    value,
    text: description,
    multiple: true,
    apply(settings, given) {
      const options = settings[target] as Record<string, string[] | undefined>
      options[name] = [...(options[name] ?? []), given]
    },
  }
}

/** Option `key=value`, which adds to an object. */
function pairs(
  target: Target,
  name: string,
  value: string,
  description: string,
  convert?: typeof toNumber,
): Flag {
  return {
    value,
    text: description,
    multiple: true,
    apply(settings, given, flag) {
      const at = given.indexOf('=')
      if (at <= 0) throw new UsageError(`${flag} must be ${value}, not ${JSON.stringify(given)}`)
      const pair = {
        [given.slice(0, at)]: convert ? convert(flag, given.slice(at + 1)) : given.slice(at + 1),
      }
      const options = settings[target] as Record<string, object | undefined>
      options[name] = { ...options[name], ...pair }
    },
  }
}

/** Option of an object within the options of the LoggerProvider, such as `spool`. */
function inner(
  object: 'spool' | 'file' | 'limits' | 'tls',
  name: string,
  flag: Omit<Flag, 'apply'>,
  convert?: typeof toNumber,
): Flag {
  return {
    ...flag,
    apply({ delivery }, given, named) {
      const options = delivery as Record<string, object | boolean | undefined>
      const before = options[object]
      const value = flag.value === undefined ? true : convert ? convert(named, given) : given
      options[object] = { ...(typeof before === 'object' ? before : {}), [name]: value }
    },
  }
}

function toNumber(flag: string, given: string): number {
  const value = /^\d+(?:\.\d+)?$/.test(given) ? Number(given) : Number.NaN
  if (Number.isNaN(value)) throw new UsageError(`${flag} must be a number, not ${JSON.stringify(given)}`)
  return value
}

function toCount(flag: string, given: string): number {
  const value = toNumber(flag, given)
  if (!rules.count.test(value)) throw new UsageError(`${flag} must be ${rules.count.accepts}, not ${given}`)
  return value
}

function set(options: object, name: string, value: unknown): void {
  ;(options as Record<string, unknown>)[name] = value
}

/** Reads `level=sev,time=when`. */
function applyMap({ line }: Settings, given: string): void {
  const entries = given.split(',').map((pair) => pair.split('=', 2))
  if (entries.some(([meaning, key]) => !meaning || !key))
    throw new UsageError(
      `--map must be level=KEY,time=KEY,message=KEY,logger=KEY, not ${JSON.stringify(given)}`,
    )
  ;(line as Mutable<LineOptions>).map = { ...line.map, ...Object.fromEntries(entries) }
}

/** Reads the name of an encoding. */
function applyEncoding(settings: Settings, given: string): void {
  let label: string
  try {
    label = new TextDecoder(given).encoding
  } catch {
    throw new UsageError(
      `--encoding must be an encoding such as utf-16le, latin1, or shift_jis, not ${JSON.stringify(given)}`,
    )
  }
  if (label !== 'utf-8') settings.encoding = label
}

/** Options in the order of the help. */
export const SECTIONS: readonly Section[] = [
  {
    title: 'Lines',
    flags: {
      service: text(
        'delivery',
        'serviceName',
        'NAME',
        'service.name of the records (default: OTEL_SERVICE_NAME)',
      ),
      'service-from': {
        value: 'RULE',
        text: "service.name from the path of a followed file: folder, file, or a regular expression whose first group is the name, e.g. '/log/([^/]+)/'",
        apply: (settings, given) => (settings.serviceFrom = given),
      },
      format: text('line', 'format', 'NAME', 'format of the lines (default: found for each line)'),
      map: {
        value: 'level=KEY,time=KEY,message=KEY,logger=KEY',
        text: 'keys of the lines where they differ from those of the format',
        apply: applyMap,
      },
      severity: pairs('line', 'severity', 'LEVEL=NUMBER', 'severity number (1-24) of a level', toNumber),
      timezone: text(
        'line',
        'timezone',
        'ZONE',
        "time zone of times without one, e.g. Europe/Berlin (default: the machine's)",
      ),
      encoding: {
        value: 'NAME',
        text: 'encoding of the input, e.g. utf-16le, latin1 (default: UTF-8)',
        apply: applyEncoding,
      },
      'keep-original': toggle('line', 'keepOriginal', 'add the line as the attribute log.record.original'),
      'keep-locals': toggle(
        'line',
        'keepLocals',
        'keep local variables of Python exceptions, which may hold secrets',
      ),
      level: text(
        'bridge',
        'level',
        'NAME',
        'least severe level that is sent: trace, debug, info, warn, error, fatal',
      ),
      redact: list('bridge', 'redact', 'PATH', 'hide the value at this path, e.g. user.password'),
      include: list('bridge', 'include', 'KEY', 'send only attributes with this key'),
      exclude: list('bridge', 'exclude', 'KEY', 'leave attributes with this key out'),
      attribute: pairs('bridge', 'attributes', 'KEY=VALUE', 'add an attribute to every record'),
      scope: text(
        'bridge',
        'scope',
        'NAME',
        'instrumentation scope of every record (default: the logger of the line)',
      ),
      quiet: {
        text: 'do not copy the lines to stdout and stderr',
        apply: (settings) => (settings.quiet = true),
      },
    },
  },
  {
    title: 'follow',
    flags: {
      'from-start': {
        text: 'at the first start, read the files from their beginning (default: from their end)',
        apply: (settings) => (settings.fromStart = true),
      },
      checkpoints: {
        value: 'FILE',
        text: 'file that remembers how far each file was read (default: in $XDG_STATE_HOME/logbridge, else ~/.local/state/logbridge)',
        apply: (settings, given) => (settings.checkpoints = given),
      },
    },
  },
  {
    title: 'Delivery (also by OTEL_* variables)',
    flags: {
      endpoint: text('delivery', 'endpoint', 'URL', 'receiver (default: http://localhost:4317)'),
      protocol: text('delivery', 'protocol', 'NAME', 'grpc or http/protobuf'),
      header: pairs('delivery', 'headers', 'NAME=VALUE', 'header of each request'),
      compression: text('delivery', 'compression', 'NAME', 'gzip or none'),
      'timeout-millis': number('delivery', 'timeoutMillis', 'N', 'timeout of one attempt (default: 10000)'),
      tls: toggle('delivery', 'tls', 'TLS for an endpoint without http:// or https://'),
      insecure: toggle('delivery', 'tls', 'no TLS for an endpoint without http:// or https://', false),
      'ca-file': inner('tls', 'caFile', { value: 'FILE', text: 'certificate authorities of the receiver' }),
      'cert-file': inner('tls', 'certFile', { value: 'FILE', text: 'client certificate' }),
      'key-file': inner('tls', 'keyFile', { value: 'FILE', text: 'key of the client certificate' }),
      proxy: {
        value: 'URL',
        text: 'HTTP proxy, or none',
        apply: ({ delivery }, given) => set(delivery, 'proxy', given === 'none' ? false : given),
      },
      resource: pairs('delivery', 'resource', 'KEY=VALUE', 'attribute of the resource'),
      'max-queue-bytes': {
        value: 'N',
        text: `reading stops while the queue has these many bytes (default: ${MAX_QUEUE_BYTES})`,
        apply: ({ delivery }, given, flag) => set(delivery, 'maxQueueBytes', toCount(flag, given)),
      },
      'max-export-batch-size': number('delivery', 'maxExportBatchSize', 'N', 'records of a batch'),
      'scheduled-delay-millis': number(
        'delivery',
        'scheduledDelayMillis',
        'N',
        'longest wait of a record for its batch (default: 1000)',
      ),
      'export-timeout-millis': number(
        'delivery',
        'exportTimeoutMillis',
        'N',
        'wait for unsent records at the end of the input (default: 30000)',
      ),
      'minimum-severity': number(
        'delivery',
        'minimumSeverity',
        'N',
        'least severity number that is sent; records without one are sent',
      ),
      'attribute-count-limit': inner(
        'limits',
        'attributeCountLimit',
        { value: 'N', text: 'attributes of a record (default: 128)' },
        toNumber,
      ),
      'attribute-value-length-limit': inner(
        'limits',
        'attributeValueLengthLimit',
        { value: 'N', text: 'characters of an attribute' },
        toNumber,
      ),
      'record-uid': toggle(
        'delivery',
        'recordUid',
        'add log.record.uid, by which a receiver finds duplicates',
      ),
      spool: inner('spool', 'directory', { value: 'DIR', text: 'keep unsent records in this directory' }),
      'spool-max-bytes': inner(
        'spool',
        'maxBytes',
        { value: 'N', text: 'largest size of the spool (default: 1 GiB)' },
        toNumber,
      ),
      'spool-fsync': inner('spool', 'fsync', { text: 'wait for the disk at each write to the spool' }),
      file: inner('file', 'path', {
        value: 'FILE',
        text: 'write OTLP JSON lines to this file instead of sending records',
      }),
      'file-max-bytes': inner(
        'file',
        'maxBytes',
        { value: 'N', text: 'size at which the file is rotated (default: 100 MiB)' },
        toNumber,
      ),
      'file-files': inner(
        'file',
        'files',
        { value: 'N', text: 'number of files with those rotated (default: 10)' },
        toNumber,
      ),
      'file-fsync': inner('file', 'fsync', { text: 'wait for the disk at each write to the file' }),
    },
  },
]
