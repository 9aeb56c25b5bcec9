/*
 * Preload that sends the records of every logger of a process to OpenTelemetry: `node --import @logbridge/auto app.js`.
 *
 * | step                     | file                                                                                       |
 * | ------------------------ | ------------------------------------------------------------------------------------------ |
 * | at the start             | `index.ts` watches the loads of CommonJS and the channel of servers;                       |
 * |                          | where the application depends on instrumentations, `instrumentations.ts` creates them      |
 * | a logging library loads  | `attach.ts` patches its prototypes: `winston.ts`, `pino.ts`, `bunyan.ts`, `log4js.ts`      |
 * | a logger is created, or  | `telemetry.ts` starts `@logbridge/core`, unless the application has an SDK or core of its  |
 * | a server listens         | own                                                                                        |
 * | a worker thread starts   | `@logbridge/bridge/threads` counts the records that the thread loses                       |
 * | a record                 | goes through the adapter of its library                                                    |
 */
import { subscribe } from 'node:diagnostics_channel'
import Module from 'node:module'
import { dirname } from 'node:path'
import { watchExit } from '@logbridge/bridge/exitListeners'
import { onModuleLoad } from '@logbridge/bridge/moduleLoads'
import { areLostRecordsCounted, unsentInThreads, watchThreads } from '@logbridge/bridge/threads'
import { instrumentationsOf, isCommand, mainScript } from './application.ts'
import { type EntryFile, entryFile } from './entryFiles.ts'
import { readSettings } from './settings.ts'

type Attach = typeof import('./attach.ts')
/** Message of `tracing:net.server.listen`. */
type ListenMessage = { options?: { path?: string } }

const INSTALLED = Symbol.for('logbridge.auto.1')
const processWide = globalThis as { [INSTALLED]?: true }
const { _cache: cache } = Module as unknown as { _cache: Record<string, Module | undefined> }
const settings = readSettings(process.env)

if (!processWide[INSTALLED] && !settings.isOff) {
  processWide[INSTALLED] = true
  if (isOldNode()) {
    writeLine(`does nothing, because it needs Node.js 20.6 or later; this is ${process.versions.node}`)
  } else install()
}

/** Tests for Node.js before 20.6, on which nothing of logbridge runs. */
function isOldNode(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major < 20 || (major === 20 && minor < 6)
}

/** Writes a line without `attach.cjs`. */
function writeLine(text: string): void {
  try {
    process.stderr.write(`logbridge: @logbridge/auto ${text}\n`)
  } catch {
    // The line is dropped.
  }
}

/** Runs a part of the preload, whose fault leaves the application and the other parts as they are. */
function withoutFaults(run: () => void): void {
  try {
    run()
  } catch (error) {
    writeLine(`does not attach everything: ${String(error).split('\n', 1)[0]}`)
  }
}

/** Uses the other half of this package, which most processes that inherit `NODE_OPTIONS` never load. */
function withAttach(use: (attach: Attach) => void): void {
  // oxlint-disable-next-line typescript/no-require-imports -- loaded when it is needed
  withoutFaults(() => use(require('./attach.cjs') as Attach))
}

function install(): void {
  const attached = new WeakSet<Module>()
  let isListening = false

  function attach(module: Module, entry: EntryFile): void {
    if (settings.disabled.has(entry.library) || attached.has(module)) return
    attached.add(module)
    withAttach((half) => half.attach(module, entry))
  }

  /** Attaches libraries that `onModuleLoad` has missed: loaded before this file, or by a loader that supplies sources. */
  function attachLoaded(): EntryFile[] {
    return Object.entries(cache).flatMap(([filename, module]) => {
      const entry = entryFile(filename)
      if (!entry || !module?.loaded || attached.has(module)) return []
      attach(module, entry)
      return [entry]
    })
  }

  withoutFaults(() =>
    onModuleLoad(
      (filename) => entryFile(filename) !== undefined,
      (module, filename) => attach(module, entryFile(filename)!),
    ),
  )
  attachLoaded()
  withoutFaults(watchWorkers)
  // A command of a package may be a tool, which is left as it is, or a framework, which listens.
  const script = mainScript()
  if (!isCommand(script)) attachInstrumentations(script === undefined ? process.cwd() : dirname(script))
  for (const library of settings.preload) withAttach(({ preload }) => preload(library))
  subscribe('tracing:net.server.listen:asyncStart', (message) => {
    // Tools such as tsx talk to their children by a socket in the file system.
    if (isCommand(script) && (message as ListenMessage).options?.path !== undefined) return
    const late = attachLoaded()
    if (isCommand(script) && !isListening) attachInstrumentations(process.cwd())
    isListening = true
    withAttach(({ serverListens }) => serverListens(late, settings.explains))
  })
  if (settings.console) withAttach(({ attachConsole }) => attachConsole())
  if (settings.explains && !isCommand(script))
    process.once('exit', () => withAttach(({ explainNoLogger }) => explainNoLogger()))
}

/** Reports the records that are lost with worker threads, also with threads that run before this thread has telemetry. */
function watchWorkers(): void {
  watchThreads((count) => withAttach(({ warnOfLostRecords }) => warnOfLostRecords(count)))
  function report(): void {
    const count = areLostRecordsCounted() ? 0 : unsentInThreads()
    if (count > 0) withAttach(({ warnOfUnsentInThreads }) => warnOfUnsentInThreads(count))
  }
  process.once('worker', () => watchExit({ flush() {}, report, end() {} }))
}

function attachInstrumentations(folder: string): void {
  const names = instrumentationsOf(folder)
  if (names.length > 0) withAttach((half) => half.attachInstrumentations(names))
}
