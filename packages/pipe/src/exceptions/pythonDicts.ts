/*
 * Exceptions of structlog's `dict_tracebacks`, written as Python prints them.
 * https://www.structlog.org/en/stable/api.html#structlog.tracebacks.ExceptionDictTransformer
 */
import type { SerializedError } from '@logbridge/bridge'
import { isFields } from '@logbridge/bridge/internal'
import type { Fields } from '../types.ts'

const CAUSE = 'The above exception was the direct cause of the following exception:'
const CONTEXT = 'During handling of the above exception, another exception occurred:'
/** Depth of exception groups that is written. */
const MAX_DEPTH = 8
const KNOWN = new Set([
  'exc_type',
  'exc_value',
  'exc_notes',
  'syntax_error',
  'is_cause',
  'frames',
  'is_group',
  'exceptions',
])
const KNOWN_IN_FRAME = new Set(['filename', 'lineno', 'name', 'line', 'locals'])

/**
 * Converts a list of exceptions, of which the first was raised, and each other is the cause or the context of the one before.
 * @returns `undefined` when the value is no such list
 */
export function exceptionOfDicts(value: unknown): SerializedError | undefined {
  if (!isStacks(value)) return undefined
  const { exc_type: type, exc_value: message } = value[0]!
  return { type: String(type), message: String(message), stack: render(value, 0).join('\n') }
}

/** Tests if a list has fields that are neither part of a printed exception nor local variables. */
export function hasOtherFields(value: unknown): boolean {
  return (
    isStacks(value) &&
    value.some(
      (stack) =>
        Object.keys(stack).some((key) => !KNOWN.has(key)) ||
        framesOf(stack).some((frame) => Object.keys(frame).some((key) => !KNOWN_IN_FRAME.has(key))) ||
        (Array.isArray(stack['exceptions']) && stack['exceptions'].some(hasOtherFields)),
    )
  )
}

/** Copies a list without the local variables of its frames. */
export function withoutLocals(value: unknown): unknown {
  if (!isStacks(value)) return value
  return value.map((stack) => ({
    ...stack,
    frames: framesOf(stack).map(({ locals: _locals, ...frame }) => frame),
    ...(Array.isArray(stack['exceptions']) && { exceptions: stack['exceptions'].map(withoutLocals) }),
  }))
}

function isStacks(value: unknown): value is Fields[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((stack) => isFields(stack) && 'exc_type' in stack)
  )
}

function framesOf({ frames }: Fields): Fields[] {
  return Array.isArray(frames) ? frames.filter(isFields) : []
}

/** Writes the exceptions, the first cause first. */
function render(stacks: readonly Fields[], depth: number): string[] {
  const lines: string[] = []
  for (let index = stacks.length - 1; index >= 0; index -= 1) {
    if (lines.length > 0) lines.push('', stacks[index + 1]!['is_cause'] === true ? CAUSE : CONTEXT, '')
    lines.push(...renderOne(stacks[index]!, depth))
  }
  return lines
}

function renderOne(stack: Fields, depth: number): string[] {
  const frames = framesOf(stack)
  const lines =
    frames.length > 0 ? ['Traceback (most recent call last):', ...frames.flatMap(renderFrame)] : []
  const { syntax_error: syntaxError, exc_type: type, exc_notes: notes, exceptions } = stack
  let message = String(stack['exc_value'])
  if (isFields(syntaxError)) {
    const { filename, lineno, line, offset, msg } = syntaxError
    lines.push(`  File "${String(filename)}", line ${String(lineno)}`)
    if (typeof line === 'string' && line !== '') {
      const text = line.trimEnd()
      const indent = text.length - text.trimStart().length
      lines.push(`    ${text.trimStart()}`, `    ${' '.repeat(Math.max(0, Number(offset) - 1 - indent))}^`)
    }
    message = String(msg)
  }
  lines.push(message === '' ? String(type) : `${String(type)}: ${message}`)
  if (Array.isArray(notes)) lines.push(...notes.map(String))
  if (!Array.isArray(exceptions) || exceptions.length === 0 || depth >= MAX_DEPTH) return lines
  return renderGroup(lines, exceptions.filter(isStacks), depth)
}

/** Writes an exception group with its margin. */
function renderGroup(lines: readonly string[], exceptions: readonly Fields[][], depth: number): string[] {
  const [first = '', ...rest] = lines
  const head = first.startsWith('Traceback')
    ? [`  + Exception Group ${first}`, ...rest.map(inMargin)]
    : lines.map(inMargin)
  const members = exceptions.flatMap((stacks, index) => [
    `${index === 0 ? '  +-+' : '    +'}---------------- ${index + 1} ----------------`,
    ...render(stacks, depth + 1).map((line) => `  ${inMargin(line)}`),
  ])
  return [...head, ...members, '    +------------------------------------']
}

function inMargin(line: string): string {
  return line === '' ? '  |' : `  | ${line}`
}

function renderFrame({ filename, lineno, name, line }: Fields): string[] {
  // structlog's frame in place of those that it leaves out.
  if (lineno === -1) return [`  ${String(name)}`]
  const head = `  File "${String(filename)}", line ${String(lineno)}, in ${String(name)}`
  return typeof line === 'string' && line.trim() !== '' ? [head, `    ${line.trim()}`] : [head]
}
