import { LogbridgeError } from './error.ts'
import { originalKey } from './keys.ts'
import type { AnyValue, AnyValueMap, BridgeOptions, PlainRecord } from './types.ts'

const CENSOR = '[Redacted]'
/** One step of a path: `.name` or `name` at its start, `["name"]`, `['name']`, `[0]`, `[*]`. */
const STEP = /(?:^|\.)([^.[\]]+)|\["([^"]*)"\]|\['([^']*)'\]|\[([^\]"']+)\]/y
const ANY_KEY: unique symbol = Symbol('*')

interface Path {
  /** As the user wrote it: also the name of a flat attribute such as `user.password`. */
  readonly text: string
  readonly steps: readonly (string | typeof ANY_KEY)[]
}

/**
 * Turns the `redact` option into one function that changes a plain record in place. Own code and not
 * `@pinojs/redact`, because that copies what it passes, which leaves a Uint8Array unreadable.
 *
 * @throws LogbridgeError `invalid-option` for a path that cannot be understood
 */
export function createRedactor(redact: NonNullable<BridgeOptions['redact']>): (record: PlainRecord) => void {
  if (typeof redact === 'function') return redact
  const paths = redact.map(parsePath)
  return ({ attributes, body }) => {
    censor(attributes, paths)
    // Several objects logged at once are an array of what would be the fields of a record each.
    for (const several of [body, attributes['log.body.parameters']]) {
      censor(several, paths)
      if (Array.isArray(several)) for (const one of several) censor(one, paths)
    }
  }
}

function parsePath(text: string): Path {
  const steps: (string | typeof ANY_KEY)[] = []
  STEP.lastIndex = 0
  while (STEP.lastIndex < text.length) {
    const match = STEP.exec(text)
    if (match === null) break
    const bare = match[1] ?? match[4]
    steps.push(bare === '*' ? ANY_KEY : (bare ?? match[2] ?? match[3] ?? ''))
  }
  if (steps.length === 0 || STEP.lastIndex !== text.length) {
    throw new LogbridgeError(
      'invalid-option',
      `option redact has the path ${JSON.stringify(text)}; a path is written like user.password, *.token, ` +
        'headers["x-api-key"] or cards[*].number',
    )
  }
  return { text, steps }
}

function censor(value: AnyValue | undefined, paths: readonly Path[]): void {
  if (!isParent(value)) return
  for (const { text, steps } of paths) {
    censorAt(value, [text], 0)
    censorAt(value, steps, 0)
  }
}

function censorAt(parent: AnyValue | undefined, steps: Path['steps'], at: number): void {
  if (!isParent(parent)) return
  const map = parent as AnyValueMap
  const step = steps[at]!
  for (const key of Object.keys(map)) {
    if (step !== ANY_KEY && key !== step && originalKey(key) !== step) continue
    if (at === steps.length - 1) map[key] = CENSOR
    else censorAt(map[key], steps, at + 1)
  }
}

function isParent(value: AnyValue | undefined): value is AnyValue[] | AnyValueMap {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
}
