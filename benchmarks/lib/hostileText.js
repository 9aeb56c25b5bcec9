/**
 * Child process that logs hostile texts: `hostileText.js LIBRARY URL`. Sends, for each kind of text, the milliseconds of this
 * thread's CPU that the adapter adds to a log call (`once`), and to a log call with a text of twice the length (`twice`).
 */
import { setImmediate } from 'node:timers/promises'

const [, , library, url] = process.argv
const LENGTH = 1_000_000
const REPEATS = 5

/** Arguments of a log call with a text of `length`, by description. */
export const KINDS = {
  'commands without a terminator': (length) => [repeat('\u001b]', length)],
  'commands with one at the end': (length) => [`${repeat('\u001b]', length)}\u0007`],
  links: (length) => [repeat('\u001b]8;;x\u001b\\', length)],
  colors: (length) => [repeat('\u001b[31mx\u001b[0m', length)],
  'a sequence of many numbers': (length) => [`\u001b[${repeat('1;', length)}`],
  'escape characters': (length) => [repeat('\u001b', length)],
  specifiers: (length) => [repeat('%s', length), { a: 1 }],
  'percent signs': (length) => [repeat('%%', length), { a: 1 }],
  'lone surrogates': (length) => [repeat('\ud800', length)],
  'line breaks': (length) => [repeat('\n \t', length)],
  'a time of many minutes': (length) => [
    'time',
    { time: repeat(':00', length), timestamp: repeat(':00', length) },
  ],
  'a stack of line breaks': (length) => ['stack', { stack: repeat('\n    ', length) }],
  'an Error': (length) => ['error', { err: errorOf(repeat('\n    at ', length)) }],
  'a key': (length) => ['key', { [repeat('ab', length)]: 1 }],
}

function repeat(part, length) {
  return part.repeat(Math.floor(length / part.length))
}

function errorOf(text) {
  return Object.assign(new Error(text), { stack: `Error: ${text}` })
}

if (process.send) {
  const { programs } = await import(`../programs/${library}.js`)
  const bare = await programs.bare.start()
  const bridged = await programs.logbridge.start(url)
  const result = {}
  for (const [kind, argumentsOf] of Object.entries(KINDS)) {
    await added(argumentsOf, 1000)
    result[kind] = { once: await added(argumentsOf, LENGTH), twice: await added(argumentsOf, 2 * LENGTH) }
  }
  process.send(result)
  process.disconnect()
  process.exit()

  /** Returns the difference of the fastest runs, because other load on the machine slows single runs. */
  async function added(argumentsOf, length) {
    let bareMillis = Infinity
    let bridgedMillis = Infinity
    for (let i = 0; i < REPEATS; i += 1) {
      bareMillis = Math.min(bareMillis, await millisOf(bare, argumentsOf(length)))
      bridgedMillis = Math.min(bridgedMillis, await millisOf(bridged, argumentsOf(length)))
      await bridged.flush?.()
    }
    return Math.max(0, bridgedMillis - bareMillis)
  }
}

async function millisOf({ log }, given) {
  await setImmediate()
  const start = process.threadCpuUsage()
  log(...given)
  const { user, system } = process.threadCpuUsage(start)
  return (user + system) / 1000
}
