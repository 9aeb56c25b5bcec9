import { valueText } from '../format.ts'
import type { Attributes } from '../model.ts'

/** One error of a chain of causes. */
export interface Exception {
  type: string
  message: string
  /** Lines of the stack below the message. */
  frames: string[]
}

const CAUSE = /^(?:\s*\[?(?:cause|errors)\]?:|Caused by:)\s*/i
const FRAME = /^\s*(?:at\s|\.\.\.|File ")/

/** Reads the exception of a record and its causes, the outermost first. */
export function exceptionsOf(attributes: Attributes): Exception[] {
  const text = (key: string): string => valueText(attributes[key] ?? '')
  const [type, message, stack] = ['exception.type', 'exception.message', 'exception.stacktrace'].map(
    text,
  ) as [string, string, string]
  if (type === '' && message === '' && stack === '') return []
  const [first, ...causes] = splitStack(stack)
  return [{ type, message, frames: first?.frames ?? [] }, ...causes]
}

/** Splits a stack at its causes: `Caused by: Error: message`, or `[cause]: Error: message` of Node.js. */
function splitStack(stack: string): Exception[] {
  const exceptions: Exception[] = []
  let head: string[] = []
  const finish = (): void => {
    const last = exceptions.at(-1)
    if (last === undefined || head.length === 0) return
    const [type = '', message = ''] = head.join('\n').split(/:\s(.*)/s, 2)
    if (last.type === '' && last.message === '') Object.assign(last, { type, message })
    head = []
  }
  for (const [index, line] of stack.split('\n').entries()) {
    if (index === 0 || CAUSE.test(line)) {
      finish()
      exceptions.push({ type: '', message: '', frames: [] })
      head = [line.replace(CAUSE, '').replace(/\s*\{$/, '')]
    } else if (exceptions.at(-1)!.frames.length === 0 && !FRAME.test(line)) {
      head.push(line)
    } else {
      exceptions.at(-1)!.frames.push(line)
    }
  }
  finish()
  return exceptions
}
