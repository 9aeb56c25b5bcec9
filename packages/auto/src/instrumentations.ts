import { instrumentImports, warnOnce } from '@logbridge/bridge/internal'
import type { TelemetryOptions } from '@logbridge/core'
import { loadOptional } from './packages.ts'
import { listIn } from './settings.ts'

export type Instrumentation = Exclude<
  NonNullable<TelemetryOptions['instrumentations']>[number],
  readonly unknown[]
>
type Exports = Readonly<Record<string, unknown>>
type Constructor = new (config?: object) => Instrumentation

const COLLECTION = '@opentelemetry/auto-instrumentations-node'
const DISABLED = { enabled: false }
/** Settings that an instrumentation needs to work without code. */
const SETTINGS: Readonly<Record<string, object>> = { '@fastify/otel': { registerOnInitialization: true } }

/**
 * Creates the instrumentations of packages, which patch what is loaded from now on. `startTelemetry` gives them their providers.
 * `LOGBRIDGE_DISABLED` and the variables of OpenTelemetry's own collection name packages that are left out.
 *
 * @param names npm names of the packages
 */
export function instrument(names: readonly string[]): Instrumentation[] {
  const enabled = listIn(process.env['OTEL_NODE_ENABLED_INSTRUMENTATIONS'])
  const disabled = new Set([
    ...listIn(process.env['LOGBRIDGE_DISABLED']),
    ...listIn(process.env['OTEL_NODE_DISABLED_INSTRUMENTATIONS']),
  ])
  const isWanted = (name: string): boolean =>
    name === COLLECTION ||
    (!disabled.has(shortName(name)) && (enabled.length === 0 || enabled.includes(shortName(name))))
  const created = new Map<string, Instrumentation>()
  for (const name of names.filter(isWanted)) {
    try {
      for (const instrumentation of create(name))
        created.set(instrumentation.instrumentationName, instrumentation)
    } catch (error) {
      warnOnce(`auto-instrumentation-${name}`, `@logbridge/auto could not use ${name}`, error)
    }
  }
  const instrumentations = [...created.values()]
  instrumentImports(instrumentations)
  return instrumentations
}

function shortName(name: string): string {
  return name.replace(/^@opentelemetry\/instrumentation-/, '').replace(/^@(fastify|prisma)\/.*/, '$1')
}

function create(name: string): Instrumentation[] {
  const exports = loadOptional(name) as Exports | undefined
  if (exports === undefined) return []
  if (name === COLLECTION) {
    const loggers = ['winston', 'pino', 'bunyan'].map((library) => [
      `@opentelemetry/instrumentation-${library}`,
      DISABLED,
    ])
    const all = exports['getNodeAutoInstrumentations'] as (config: object) => Instrumentation[]
    return all(Object.fromEntries(loggers) as object)
  }
  const classes = new Set(Object.values(exports).filter(isInstrumentation))
  return [...classes].map((Class) => new Class(SETTINGS[name]))
}

function isInstrumentation(value: unknown): value is Constructor {
  return (
    typeof value === 'function' &&
    typeof (value.prototype as Partial<Instrumentation> | undefined)?.setTracerProvider === 'function'
  )
}
