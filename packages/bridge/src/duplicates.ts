import { diagnose } from './diagnose.ts'
import { state } from './state.ts'
import type { Adapter, HrTime, LoggerProvider } from './types.ts'

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
): (native: Native, body: unknown, time: HrTime, provider: LoggerProvider | undefined) => void {
  const { library } = adapter
  const bridge = {}

  return (native, body, time, provider) => {
    const { lastSent: last } = state
    if (last.provider === provider) {
      if (last.library === library) {
        if (
          last.native === native ||
          (last.bridge !== bridge && adapter.repeats?.(last.native as Native, native))
        )
          sayTwice(library)
      } else if (last.library === CONSOLE) {
        if (prints(last.body, body) && isSoonAfter(last.time, time)) sayPrinted(library)
      } else if (library === CONSOLE) {
        if (prints(body, last.body) && isSoonAfter(last.time, time)) sayPrinted(last.library)
      }
    }
    last.bridge = bridge
    last.library = library
    last.native = native
    last.body = body
    last.time = time
    last.provider = provider
  }
}

/** Whether a line that went to the console shows this message. */
function prints(line: unknown, message: unknown): boolean {
  if (typeof line !== 'string' || typeof message !== 'string') return false
  return message.length >= MIN_TEXT_LENGTH && line.includes(message)
}

function isSoonAfter(earlier: HrTime, later: HrTime): boolean {
  return (later[0] - earlier[0]) * 1e3 + (later[1] - earlier[1]) / 1e6 <= MAX_MILLIS_APART
}

function sayTwice(library: string): void {
  diagnose(
    `twice-${library}`,
    `a ${library} record was handed over twice, and both were sent: @logbridge/${library} is attached twice to the ` +
      'same logger. Attach it once, or give each a loggerProvider of its own',
  )
}

function sayPrinted(library: string): void {
  diagnose(
    `printed-${library}`,
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
  diagnose(
    `official-${library}`,
    `${library} records are sent twice, by @logbridge/${library} and by ${official}${remedy}, or remove @logbridge/${library}`,
  )
}
