import { Contents } from './contents.ts'
import { isError, isPlain, safeGet, setOwn } from './safeAccess.ts'
import type { SerializedError } from './types.ts'

/** Fields in which libraries, frameworks, and applications put the Error of a record. */
const ERROR_FIELDS = ['err', 'error', 'exception'] as const
/** Severity number from which on fields of fields and texts are searched, because the search takes as long as a small record. */
const WARN = 13
/** Begins a line of a stack. `\s` would take quadratic time for a text of line breaks. */
const FRAME = /\n[ \t]+at /
const FRAME_START = '\n    at '
/** Class name at the start of a stack: `TypeError: no`, `Error [ERR_X]: no`. */
const HEADER = /^([\w$.]+)(?: \[\w+\])?(?:: ([^]*))?$/
/**
 * Class name of an Error within a text before its frames.
 *
 * regex-bounded: the text has `MAX_HEADER_LENGTH` characters at most
 */
const NAME_IN_TEXT = /(?:^|[\s:])([\w$.]*(?:Error|Exception))(?: \[\w+\])?(?=:|\n|$)/g
/** Largest number of elements of an array that are read as the lines of a stack. */
const MAX_STACK_LINES = 10_000
/** Longest text before the frames that is searched for the name. */
const MAX_HEADER_LENGTH = 2000

/** Exception of a record, and the attributes without its parts. */
export interface FoundException {
  readonly exception: Error | SerializedError
  readonly attributes: Record<string, unknown>
  /** Keys of the attribute and of its field that hold the exception, which lies one level deep. */
  readonly within?: readonly [key: string, field: string]
}

/**
 * Finds the exception of a record that its adapter has not found, in the shapes that frameworks give it:
 * - an Error, or `{ message, stack }`, in a field `err`, `error`, or `exception`; from WARN on also one level deeper (`{ meta: { error } }`);
 * - the text of a stack in the field `stack`, alone or in an array with the Error or its lines;
 * - from WARN on, the text of a stack in the body.
 *
 * @param contents result of `contentsOf` for the attributes
 * @returns `undefined` when the record holds none
 */
export function findException(
  body: unknown,
  attributes: Record<string, unknown>,
  severityNumber: number,
  contents: number,
): FoundException | undefined {
  const fields = (contents & Contents.exception) === 0 ? undefined : errorFieldsOf(attributes)
  if (fields !== undefined) {
    const { err, error, exception, stack } = fields
    const direct = firstException([err, error, exception])
    if (direct) return { exception: direct, attributes }
    const fromField = stack === undefined ? undefined : fromStack(stack, attributes['cause'])
    if (fromField) return { exception: fromField, attributes: without(attributes, 'stack') }
  }
  if (severityNumber < WARN) return undefined
  const inner = (contents & Contents.object) === 0 ? undefined : fromObjects(attributes)
  if (inner) return inner
  const exception = typeof body === 'string' && body.includes('\n') ? fromText(body) : undefined
  return exception && { exception, attributes }
}

/** Finds an exception one level deep. */
function fromObjects(attributes: Record<string, unknown>): FoundException | undefined {
  for (const key in attributes) {
    const value = safeGet(attributes, key)
    if (typeof value !== 'object' || value === null || !isPlain(value)) continue
    const inner = errorFieldsOf(value)
    const field = inner && ERROR_FIELDS.find((name) => asException(inner[name]))
    if (field) return { exception: asException(inner[field])!, attributes, within: [key, field] }
  }
  return undefined
}

interface ErrorFields {
  readonly err?: unknown
  readonly error?: unknown
  readonly exception?: unknown
  readonly stack?: unknown
}

/** Reads the fields that may hold an exception; `undefined` when all are absent, as in most records: `pnpm bench bunyan`. */
function errorFieldsOf(source: object): ErrorFields | undefined {
  try {
    // Reading by name is fast for absent fields: see `safeGetter`.
    const { err, error, exception, stack } = source as ErrorFields
    if (err === undefined && error === undefined && exception === undefined && stack === undefined)
      return undefined
    return { err, error, exception, stack }
  } catch {
    const [err, error, exception, stack] = [...ERROR_FIELDS, 'stack'].map((key) => safeGet(source, key))
    return { err, error, exception, stack }
  }
}

/** Returns the first exception in the fields `err`, `error`, and `exception`. */
export function exceptionAmong(fields: object): Error | SerializedError | undefined {
  const found = errorFieldsOf(fields)
  return found && firstException([found.err, found.error, found.exception])
}

function firstException(values: readonly unknown[]): Error | SerializedError | undefined {
  return values.find(isError) ?? values.map(asException).find(Boolean)
}

/** Returns an Error unchanged, and an object with message and stack as SerializedError; `undefined` for any other value. */
function asException(value: unknown): Error | SerializedError | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (isError(value)) return value
  if (typeof safeGet(value, 'message') !== 'string') return undefined
  const stack = safeGet(value, 'stack')
  return isStack(stack) ? (value as SerializedError) : undefined
}

function isStack(value: unknown): boolean {
  return typeof value === 'string' ? value !== '' : stackText(value) !== undefined
}

/** Returns the text of a stack: a text, or an array of texts, each a stack or a line. */
export function stackText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  const lines = elementsOf(value)
  return lines && lines.length > 0 && lines.every((line) => typeof line === 'string')
    ? lines.join('\n')
    : undefined
}

/** Copies the elements of an array; `undefined` for any other value, and for an array that throws, such as a revoked Proxy. */
function elementsOf(value: unknown): unknown[] | undefined {
  try {
    if (!Array.isArray(value)) return undefined
    const elements: unknown[] = []
    const count = Math.min(value.length, MAX_STACK_LINES)
    for (let index = 0; index < count; index += 1) elements.push(value[index])
    return elements
  } catch {
    return undefined
  }
}

/** Makes an exception of the value of a field `stack`. */
function fromStack(stack: unknown, cause: unknown): Error | SerializedError | undefined {
  const first = elementsOf(stack)?.[0]
  if (isError(first)) return first
  const text = stackText(stack)
  if (text === undefined || !FRAME.test(text)) return undefined
  // The cause stays an attribute. Hidden here, it only adds its stack.
  return Object.defineProperty(parseStack(text), 'cause', { value: cause })
}

/** Splits the text of a stack into type, message, and stack. */
function parseStack(stack: string): SerializedError {
  const header = stack.slice(0, stack.search(FRAME))
  const [, type = 'Error', message = ''] = HEADER.exec(header) ?? [undefined, undefined, header]
  return { type, message, stack }
}

/** Reads the class name at the start of a stack. */
export function typeIn(stack: string): string | undefined {
  const end = stack.indexOf('\n')
  return HEADER.exec(end < 0 ? stack : stack.slice(0, end))?.[1]
}

/** Finds a stack in a text: `saving failed: TypeError: no\n    at …`. */
function fromText(text: string): SerializedError | undefined {
  const end = text.indexOf(FRAME_START)
  if (end < 0) return undefined
  const start = Math.max(0, end - MAX_HEADER_LENGTH)
  const last = [...text.slice(start, end).matchAll(NAME_IN_TEXT)].find(Boolean)
  if (last === undefined) return undefined
  const name = last[1]!
  return parseStack(text.slice(start + last.index + last[0].indexOf(name)))
}

/** Copies an object without a field. */
function without(source: Record<string, unknown>, field: string): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(source)) if (key !== field) setOwn(copy, key, source[key])
  return copy
}
