import { callSites } from './callSite.ts'
import { warnOnce } from './warnings.ts'
import { type SentRecord, state } from './state.ts'
import { containsText } from './text.ts'
import type { Loggers } from './provider.ts'
import type { Adapter, ApiLogRecord } from './types.ts'

/** What other libraries print may come through it as well. */
const CONSOLE = 'console'
/** Shorter messages are found in too many lines that are not theirs. */
const MIN_TEXT_LENGTH = 4
/** From a library's record to the line that it prints of it: the first use of stdout takes some. */
const MAX_MILLIS_APART = 20

/**
 * Makes the function that is shown each record that a bridge sends, and says once when a log call has come in two ways to
 * the same LoggerProvider. Both records are sent: which of them is wanted, and with which options, only the user can tell.
 *
 * What was sent last is remembered, not more: the two ways follow directly upon each other.
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
      if (last.native === native || adapter.isSameCall?.(last.native as Native, native)) sayTwice(library)
    } else if (last.library === CONSOLE) {
      if (prints(last.record, record)) sayPrinted(library)
    } else if (library === CONSOLE) {
      if (
        prints(record, last.record) &&
        !state.lastWarned.has(printedBy(last.library)) &&
        isCallOf(last.library)
      )
        sayPrinted(last.library)
    }
  }

  return (native, record) => {
    // As long as one bridge is at work alone it is two stores: 8 ns a record, where copying what is compared took 16.
    if (state.lastSent !== sent) {
      if (state.lastSent) compare(state.lastSent, native, record)
      state.lastSent = sent
    } else if (sent.native === native) sayTwice(library)
    sent.native = native
    sent.record = record
  }
}

/** Whether a record of the console is the line that a library printed of another. */
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

/** Whether a library makes this very call, as far as the stack tells: in a bundle its code is not told from other code. */
function isCallOf(library: string): boolean {
  const [own = '', ...files] = callSites().map((site) => site.getFileName() ?? '')
  const isBundled = !/[\\/]bridge[\\/](?:dist|src)[\\/]/.test(own)
  return isBundled || files.some((file) => file.split(/[\\/]/).includes(library))
}

function millisApart({ observedTimestamp: a }: ApiLogRecord, { observedTimestamp: b }: ApiLogRecord): number {
  return a && b ? Math.abs((a[0] - b[0]) * 1e3 + (a[1] - b[1]) / 1e6) : Infinity
}

function sayTwice(library: string): void {
  warnOnce(
    `twice-${library}`,
    `a ${library} record was handed over twice, and both were sent: @logbridge/${library} is attached twice to the ` +
      'same logger. Attach it once, or give each a loggerProvider of its own',
  )
}

/** The kind of that complaint. */
function printedBy(library: string): string {
  return `printed-${library}`
}

function sayPrinted(library: string): void {
  warnOnce(
    printedBy(library),
    `a ${library} record came once more from the console, to which ${library} prints it, and both were sent. Use one of ` +
      'the two adapters' +
      (library === 'log4js' ? ', or load log4js before bridgeConsole() is called' : ''),
  )
}

/**
 * Says once that an official instrumentation sends the records of a library that has an adapter.
 *
 * @param official npm name of the instrumentation or transport
 * @param remedy what the user can do about it, as the end of the sentence
 */
export function warnOfOfficial(library: string, official: string, remedy: string): void {
  warnOnce(
    `official-${library}`,
    `${library} records go to OpenTelemetry twice, by @logbridge/${library} and by ${official}${remedy}, or remove @logbridge/${library}`,
  )
}
