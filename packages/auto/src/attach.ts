import type Module from 'node:module'
import { isMainThread, workerData } from 'node:worker_threads'
import { warnOnce } from '@logbridge/bridge/internal'
import { explainNoLogger, loggerCreated } from './adapters.ts'
import { attachBunyan } from './bunyan.ts'
import type { EntryFile, Library } from './entryFiles.ts'
import { isInjecting } from './inject.ts'
import { attachLog4js } from './log4js.ts'
import { loadOptional, useBundled } from './packages.ts'
import { attachPino, watchTransports } from './pino.ts'
import { instrument } from './instrumentations.ts'
import { readSettings } from './settings.ts'
import { isResponsible, startTelemetry, useInstrumentations } from './telemetry.ts'
import { attachWinston } from './winston.ts'

export { explainNoLogger } from './adapters.ts'
export { warnOfLostRecords, warnOfUnsentInThreads } from '@logbridge/bridge/internal'

/** Module of an entry file, as Node.js or a bundle has it. */
type EntryModule = Pick<Module, 'exports' | 'require'>

const ATTACH: Readonly<Record<Library, (exports: never, module: EntryModule) => void>> = {
  bunyan: attachBunyan,
  log4js: attachLog4js,
  pino: attachPino,
  winston: attachWinston,
}

/**
 * Attaches the adapter of a library to all loggers that a copy of the library creates. When that fails, the library stays as
 * it was, and one warning says so.
 */
export function attach(module: EntryModule, { library, part }: EntryFile): void {
  if (isTransportWorker()) return
  try {
    if (part === 'transport') module.exports = watchTransports(module.exports)
    else ATTACH[library](module.exports as never, module)
  } catch (error) {
    warnOnce(
      `auto-${library}`,
      `@logbridge/auto could not attach to ${library}, whose records are not sent`,
      error,
    )
  }
}

/**
 * Attaches the adapter to a library in a bundle, and does what the preload does for the rest of the process.
 *
 * @param packages loads packages of the bundle
 * @param loadPreload loads the preload, which stays as it is where the process has the preload already
 * @returns the exports of the library
 */
export function attachInBundle(
  module: EntryModule,
  entry: EntryFile,
  packages: Readonly<Record<string, () => unknown>>,
  loadPreload: () => unknown,
): unknown {
  const { isOff, disabled } = readSettings(process.env)
  useBundled(packages)
  loadPreload()
  if (!isOff && !disabled.has(entry.library)) attach(module, entry)
  return module.exports as unknown
}

/** Loads a library before the application does, by which the library is attached. */
export function preload(library: Library): void {
  if (isTransportWorker()) return
  try {
    loadOptional(library)
  } catch (error) {
    warnOnce(`auto-${library}`, `@logbridge/auto could not load ${library} (LOGBRIDGE_PRELOAD)`, error)
  }
}

/** Instruments what the application loads from now on. */
export function attachInstrumentations(names: readonly string[]): void {
  if (isTransportWorker() || !isResponsible()) return
  try {
    useInstrumentations(instrument(names))
  } catch (error) {
    warnOnce(
      'auto-instrumentations',
      '@logbridge/auto could not instrument what the application loads',
      error,
    )
  }
}

/**
 * Starts telemetry, because the process is a service.
 *
 * @param late libraries that were attached after the application had loaded them
 * @param explains true to say that the process has no logger
 */
export function serverListens(late: readonly EntryFile[], explains: boolean): void {
  const libraries = [...new Set(late.map(({ library }) => library))]
  if (libraries.length > 0) {
    warnOnce(
      'auto-late',
      `${libraries.join(' and ')} was loaded past @logbridge/auto, by a module loader of another tool: records before now ` +
        `are not sent. Set LOGBRIDGE_PRELOAD=${libraries.join(',')}`,
    )
  }
  if (isTransportWorker()) return
  startTelemetry()
  if (explains) explainNoLogger()
}

/** Bridges the console. */
export function attachConsole(): void {
  if (isTransportWorker()) return
  try {
    const adapter = loadOptional('@logbridge/console') as typeof import('@logbridge/console') | undefined
    if (adapter === undefined) {
      return warnOnce(
        'auto-console',
        'console records are not sent: run npm install @logbridge/console, or leave out LOGBRIDGE_CONSOLE',
      )
    }
    adapter.bridgeConsole({ traceContext: isInjecting })
    loggerCreated()
  } catch (error) {
    warnOnce('auto-console', '@logbridge/auto could not attach to the console', error)
  }
}

/** Tests for a worker thread of pino, whose transports receive records of another thread. */
function isTransportWorker(): boolean {
  return !isMainThread && typeof workerData === 'object' && workerData !== null && 'stateBuf' in workerData
}
