import { adviseWithoutProvider, API, oldNode, registeredProvider, warnOnce } from '@logbridge/bridge/internal'
import type { Instrumentation } from './instrumentations.ts'
import { canLoad, loadOptional } from './packages.ts'
import { ignoredSettings, startsTelemetry } from './settings.ts'

type Core = typeof import('@logbridge/core')

/** Telemetry that this package started. `startTelemetry()` of the application replaces it. */
const AUTOMATIC = Symbol.for('logbridge.telemetry.automatic.1')
/** Instrumentations of this process. The preload creates them, and the copy of this package in a bundle may start telemetry. */
const INSTRUMENTATIONS = Symbol.for('logbridge.auto.instrumentations.1')
const processWide = globalThis as {
  [AUTOMATIC]?: unknown
  [INSTRUMENTATIONS]?: readonly Instrumentation[]
  [API]?: { trace?: unknown }
}

const OWN_SDK = 'your own OpenTelemetry SDK with a log record processor'

/** Least version of Node.js for `@logbridge/core`. */
const CORE_NODE = [22, 15] as const

let isStarted = false

/** Gives instrumentations that `startTelemetry` connects with its providers. */
export function useInstrumentations(created: readonly Instrumentation[]): void {
  processWide[INSTRUMENTATIONS] = created
}

/** Preload that registers an SDK with instrumentations, also when it follows this preload. */
const REGISTER = '@opentelemetry/auto-instrumentations-node/register'

/** Tests if this package has started telemetry in this process, or will, as far as that is known now. */
export function isResponsible(): boolean {
  if (isStarted) return processWide[AUTOMATIC] !== undefined
  if ([...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((option) => option.includes(REGISTER)))
    return false
  return (
    startsTelemetry(process.env) && !isSdkRegistered() && canLoad('@logbridge/core') && !oldNode(CORE_NODE)
  )
}

/**
 * Starts logs, traces, and metrics by the variables of OpenTelemetry, once, where `@logbridge/core` is installed and the
 * application has registered no SDK. Never throws.
 */
export function startTelemetry(): void {
  if (isStarted) return
  isStarted = true
  for (const line of ignoredSettings(process.env)) warnOnce(`auto-setting-${line}`, line)
  if (isSdkRegistered()) return
  if (!startsTelemetry(process.env)) {
    return adviseWithoutProvider(
      `Start ${OWN_SDK}, or leave out LOGBRIDGE_TELEMETRY, by which @logbridge/auto starts none`,
    )
  }
  const needed = oldNode(CORE_NODE)
  if (needed !== undefined) {
    // The startup buffer warns under the same key, of the same cause.
    if (canLoad('@logbridge/core'))
      warnOnce('no-provider', `@logbridge/auto sends nothing, because @logbridge/core needs ${needed}`)
    return
  }
  try {
    const core = loadOptional('@logbridge/core') as Core | undefined
    if (core === undefined) {
      adviseWithoutProvider(
        `Run npm install @logbridge/core, which @logbridge/auto starts, or start ${OWN_SDK}`,
      )
    }
    // Options that only code could set.
    processWide[AUTOMATIC] = core?.startTelemetry({
      shutdownSignals: ['SIGTERM', 'SIGINT'],
      flushOnExit: mayStartThreads(),
      instrumentations: processWide[INSTRUMENTATIONS] ?? [],
    })
  } catch (error) {
    warnOnce('auto-telemetry', '@logbridge/auto could not start telemetry', error)
  }
}

function isSdkRegistered(): boolean {
  return registeredProvider() !== undefined || processWide[API]?.trace !== undefined
}

function mayStartThreads(): boolean {
  const { permission } = process as { permission?: { has(scope: string): boolean } }
  return permission === undefined || permission.has('worker')
}
