/* Exceptions that Java or .NET has printed, and those of logback's JsonEncoder, written as Java prints them. */
import type { SerializedError } from '@logbridge/bridge'
import { isFields } from '@logbridge/bridge/internal'
import type { Fields } from '../types.ts'

/** Starts of the lines behind the message: a frame of Java, of .NET, and the inner exception of .NET. */
const ENDS = ['\n\tat ', '\n   at ', '\n ---> ', '\nCaused by: ', '\nWrapped by: ', '\n\tSuppressed: ']
const TYPE = /^[\w.$`+[\],]+$/
/** Depth of causes that is written. */
const MAX_DEPTH = 32
const KNOWN = new Set([
  'className',
  'message',
  'stepArray',
  'commonFramesCount',
  'cause',
  'suppressed',
  'cyclic',
])
const KNOWN_IN_STEP = new Set(['className', 'methodName', 'fileName', 'lineNumber'])
/** Line number of a native method. */
const NATIVE = -2

/** Splits a printed exception into type, message, and stack. A text without a type is the stack alone. */
export function parseStackTrace(text: string): SerializedError {
  const stack = text.trimEnd()
  let end = stack.length
  for (const start of ENDS) {
    const at = stack.indexOf(start)
    if (at >= 0 && at < end) end = at
  }
  const header = stack.slice(0, end)
  const colon = header.indexOf(': ')
  const type = colon < 0 ? header : header.slice(0, colon)
  if (!TYPE.test(type)) return { stack }
  return { type, message: colon < 0 ? '' : header.slice(colon + 2), stack }
}

/** Converts `throwable` of logback's JsonEncoder; `undefined` for any other value. */
export function exceptionOfThrowable(value: unknown): SerializedError | undefined {
  if (!isFields(value) || typeof value['className'] !== 'string') return undefined
  const { className: type, message } = value
  return {
    type,
    ...(typeof message === 'string' && { message }),
    stack: render(value, '', '', 0).join('\n'),
  }
}

/** Tests if a throwable has fields that Java does not print. */
export function hasOtherFields(throwable: unknown): boolean {
  if (!isFields(throwable)) return false
  const { stepArray, cause, suppressed } = throwable
  return (
    Object.keys(throwable).some((key) => !KNOWN.has(key)) ||
    arrayOf(stepArray).some((step) => Object.keys(step).some((key) => !KNOWN_IN_STEP.has(key))) ||
    hasOtherFields(cause) ||
    arrayOf(suppressed).some(hasOtherFields)
  )
}

function arrayOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : []
}

function render(throwable: Fields, prefix: string, indent: string, depth: number): string[] {
  const { className, message, stepArray, commonFramesCount, cause, suppressed, cyclic } = throwable
  const header = typeof message === 'string' ? `${String(className)}: ${message}` : String(className)
  if (cyclic !== undefined) return [`${indent}${prefix}[CIRCULAR REFERENCE: ${header}]`]
  const lines = [
    `${indent}${prefix}${header}`,
    ...arrayOf(stepArray).map((step) => `${indent}\tat ${renderStep(step)}`),
  ]
  if (typeof commonFramesCount === 'number') lines.push(`${indent}\t... ${commonFramesCount} more`)
  if (depth >= MAX_DEPTH) return lines
  for (const other of arrayOf(suppressed))
    lines.push(...render(other, 'Suppressed: ', `${indent}\t`, depth + 1))
  if (isFields(cause)) lines.push(...render(cause, 'Caused by: ', indent, depth + 1))
  return lines
}

function renderStep({ className, methodName, fileName, lineNumber }: Fields): string {
  const file = typeof fileName === 'string' && fileName !== 'null' ? fileName : 'Unknown Source'
  const line = typeof lineNumber === 'number' && lineNumber >= 0 ? `:${lineNumber}` : ''
  return `${String(className)}.${String(methodName)}(${lineNumber === NATIVE ? 'Native Method' : `${file}${line}`})`
}
