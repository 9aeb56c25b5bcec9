import { callSites } from './callSite.ts'
import { warnOnce } from './warnings.ts'
import { type SentRecord, state } from './state.ts'
import { containsText } from './text.ts'
import type { Loggers } from './provider.ts'
import type { Adapter, ApiLogRecord, Logger } from './types.ts'

/** Name of the console adapter, which may also get the lines that other libraries print. */
const CONSOLE = 'console'
/** Shorter messages occur in too many unrelated lines. */
const MIN_TEXT_LENGTH = 4
/** Longest time between a record and its printed line. The first use of stdout takes some milliseconds. */
const MAX_MILLIS_APART = 20

/**
 * Makes a function that gets each record that a bridge sends, and warns once when a log call reaches the same LoggerProvider twice: by
 * an adapter that is attached twice, or by an adapter and the console to which its library prints, as the stack shows. Both records are sent, because only
 * the application can choose one of them.
 *
 * The function compares each record with the previous record only, because the two records of a log call are consecutive.
 */
export function createDuplicateWatch<Native>(
  adapter: Adapter<Native>,
  loggers: Loggers,
): (native: Native, record: ApiLogRecord) => void {
  const { library } = adapter
  const sent: SentRecord = { library, loggers, native: undefined, record: undefined }

  function compare(last: SentRecord, native: Native, record: ApiLogRecord): void {
    if (last.loggers.provider() !== loggers.provider()) return
    if (last.library === library) {
      if (isSameObject(last.native, native) || adapter.isSameCall?.(last.native as Native, native))
        warnTwice(library)
    } else if (last.library === CONSOLE) {
      if (!prints(last.record, record)) return
      // The stack of the line is gone, so that the next line is tested.
      if (last.printed !== last.record) last.suspect = library
      else if (last.printedBy === library) warnPrinted(library)
    } else if (library === CONSOLE) {
      if (prints(record, last.record)) {
        if (!state.lastWarned.has(printedKey(last.library)) && isCallOf(last.library))
          warnPrinted(last.library)
      } else if (sent.suspect !== undefined) {
        if (isCallOf(sent.suspect)) {
          sent.printed = record
          sent.printedBy = sent.suspect
        }
        sent.suspect = undefined
      }
    }
  }

  return (native, record) => {
    // In a process with one bridge a record costs two stores.
    if (state.lastSent !== sent) {
      if (state.lastSent) compare(state.lastSent, native, record)
      state.lastSent = sent
    } else if (isSameObject(sent.native, native)) warnTwice(library)
    sent.native = native
    sent.record = record
  }
}

/** Tests native records, of which two log calls may pass equal primitives. */
function isSameObject(a: unknown, b: unknown): boolean {
  return a === b && typeof a === 'object'
}

/** Tests if a record of the console is the printed line of another record. */
function prints(line: ApiLogRecord | undefined, record: ApiLogRecord | undefined): boolean {
  const text: unknown = line?.body
  const message: unknown = record?.body
  if (typeof text !== 'string' || typeof message !== 'string') return false
  return (
    message.length >= MIN_TEXT_LENGTH &&
    millisApart(line!, record!) <= MAX_MILLIS_APART &&
    containsText(text, message)
  )
}

/** Tests by the stack if a library makes the current call. Returns false in a bundle, because all of its frames name one file. */
function isCallOf(library: string): boolean {
  return callSites().some((site) => {
    const folders = site.getFileName()?.split(/[\\/]/) ?? []
    return folders[folders.lastIndexOf('node_modules') + 1] === library
  })
}

function millisApart({ observedTimestamp: a }: ApiLogRecord, { observedTimestamp: b }: ApiLogRecord): number {
  return a && b ? Math.abs((a[0] - b[0]) * 1e3 + (a[1] - b[1]) / 1e6) : Infinity
}

function warnTwice(library: string): void {
  warnOnce(
    `twice-${library}`,
    `sent a ${library} record twice because @logbridge/${library} is attached twice to one logger (this warning is logged once). ` +
      'Attach the adapter once, or give each instance its own loggerProvider',
  )
}

/** Returns the key under which `warnPrinted` warns once. */
function printedKey(library: string): string {
  return `printed-${library}`
}

function warnPrinted(library: string): void {
  warnOnce(
    printedKey(library),
    `sent a ${library} record twice because ${library} prints it to the bridged console (this warning is logged once). ` +
      'Use one of the two adapters' +
      (library === 'log4js' ? ', or load log4js before bridgeConsole() is called' : ''),
  )
}

/**
 * Warns once that an instrumentation or transport of OpenTelemetry sends the records of a library too.
 *
 * @param official npm name of the instrumentation or transport
 * @param logger Logger of `official`. No warning when the Logger drops every record, because no LoggerProvider is registered in its
 * generation of the Logs API.
 */
export function warnOfOfficial(library: string, official: string, logger?: Partial<Logger>): void {
  if (logger?.enabled?.() === false) return
  const instrumentation = `@opentelemetry/instrumentation-${library}`
  const removal =
    official === instrumentation ? '' : `Remove ${official}, or where ${instrumentation} adds it: `
  warnOnce(
    `official-${library}`,
    `${library} records go to OpenTelemetry twice, by @logbridge/${library} and by ${official}. ${removal}set ` +
      `disableLogSending: true for ${instrumentation}, or OTEL_NODE_DISABLED_INSTRUMENTATIONS=${library} with ` +
      `@opentelemetry/auto-instrumentations-node. Or remove @logbridge/${library}`,
  )
}
