import types from 'node:util/types'
import type { TextSources, TracedRecord } from './anyValue.ts'
import { LogbridgeError } from './error.ts'
import { originalKey } from './keys.ts'
import { isOmitted } from './safeAccess.ts'
import type { AnyValue, AnyValueMap, BridgeOptions } from './types.ts'

const CENSOR = '[Redacted]'
/** Largest number of keys for which `*` is tried in an object that was converted to a text. An object with more keys is hidden. */
const MAX_KEYS = 1000
/** Step of a path: `.name`, `name` at the start of the path, `["name"]`, `['name']`, `[0]`, `[*]`. */
const STEP = /(?:^|\.)([^.[\]]+)|\["([^"]*)"\]|\['([^']*)'\]|\[([^\]"']+)\]/y
/** Attribute of the captured parameters. */
const PARAMETERS = 'log.body.parameters'
const ANY_KEY: unique symbol = Symbol('*')

interface Path {
  /** Path as the application wrote it, which is also the key of a flat attribute such as `user.password`. */
  readonly text: string
  readonly steps: readonly (string | typeof ANY_KEY)[]
}

/**
 * Makes a function from the option `redact` that changes a plain record in place. When an object was converted to a text, a path to a
 * value of the object hides the whole text, because the text may contain the value. `@pinojs/redact` is unsuitable because it copies the
 * parents of a hidden value, and its copy of a Uint8Array cannot be read.
 *
 * @throws LogbridgeError `INVALID_OPTION` for an invalid path
 */
export function createRedactor(redact: NonNullable<BridgeOptions['redact']>): (record: TracedRecord) => void {
  if (typeof redact === 'function') return ({ plain }) => redact(plain)
  const paths = redact.map(parsePath)
  return ({ plain, sources }) => {
    const censor = (parent: AnyValue[] | AnyValueMap | TracedRecord['plain'], key: string): void => {
      const children = parent as AnyValueMap
      for (const { text, steps } of paths) {
        censorIn(children, key, [text], 0, sources)
        censorIn(children, key, steps, 0, sources)
      }
    }
    censor(plain, 'attributes')
    // Paths apply to the body and the parameters, and to each element of them, because several logged objects form an array.
    for (const [parent, key] of [
      [plain, 'body'],
      [plain.attributes, PARAMETERS],
    ] as const) {
      censor(parent, key)
      const several = (parent as AnyValueMap)[key]
      if (Array.isArray(several)) for (const index of several.keys()) censor(several, String(index))
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
      'INVALID_OPTION',
      `option redact has the invalid path ${JSON.stringify(text)}; write a path like user.password, *.token, ` +
        'headers["x-api-key"] or cards[*].number',
    )
  }
  return { text, steps }
}

/** Replaces the values of `holder[name]` to which the steps from `at` on lead, or all of a text when they lead into its object. */
function censorIn(
  holder: AnyValueMap,
  name: string,
  steps: Path['steps'],
  at: number,
  sources: TextSources,
): void {
  const value = holder[name]
  if (!isParent(value)) {
    const source = sources.get(holder, name)
    if (source !== undefined && leadsInto(source, steps, at)) holder[name] = CENSOR
    return
  }
  const map = value as AnyValueMap
  const step = steps[at]!
  for (const key of Object.keys(map)) {
    if (step !== ANY_KEY && key !== step && originalKey(key) !== step) continue
    if (at === steps.length - 1) map[key] = CENSOR
    else censorIn(map, key, steps, at + 1, sources)
  }
}

/**
 * Tests if the steps from `at` on lead to a value that a text can contain: neither omitted nor an empty string. A step with a name finds
 * inherited values too. Returns true when a read throws.
 */
function leadsInto(source: object, steps: Path['steps'], at: number): boolean {
  const step = steps[at]!
  try {
    const keys = step === ANY_KEY ? Object.keys(source) : [step]
    if (keys.length > MAX_KEYS) return true
    return keys.some((key) => {
      const value: unknown = types.isMap(source) ? source.get(key) : (source as Record<string, unknown>)[key]
      if (at === steps.length - 1) return !isOmitted(value) && value !== ''
      return typeof value === 'object' && value !== null && leadsInto(value, steps, at + 1)
    })
  } catch {
    return true
  }
}

function isParent(value: AnyValue | undefined): value is AnyValue[] | AnyValueMap {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
}
