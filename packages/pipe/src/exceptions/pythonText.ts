/*
 * Exceptions that Python has printed, its own or by a library.
 * https://docs.python.org/3/library/traceback.html
 */
import type { SerializedError } from '@logbridge/bridge'

const TRACEBACK = 'Traceback (most recent call last):'
/** Class of an exception, with its module. A class inside a function has `<locals>` in its name. */
const TYPE = /^[\w.<>]+$/
/** Margin of an exception group. */
const MARGIN = /^\s*[|+] ?/

/** Reads the exception behind the first line of a text; `undefined` when the text has no traceback. */
export function printedException(text: string): SerializedError | undefined {
  const at = text.indexOf(TRACEBACK)
  return at < 0 ? undefined : parseTraceback(text.slice(at))
}

/**
 * Splits a printed exception into type, message, and stack. Python prints causes first, so that the last exception was raised.
 *
 * @returns `undefined` when the text is no exception
 */
export function parseTraceback(text: string): SerializedError | undefined {
  const at = text.lastIndexOf(TRACEBACK)
  const stack = text.trimEnd()
  if (at < 0) {
    const only = splitException(stack)
    return only && { ...only, stack }
  }
  const isGroup = text.endsWith('Exception Group ', at)
  const lines = stack.slice(at).split('\n').slice(1)
  const shown = isGroup ? lines.map((line) => line.replace(MARGIN, '')) : lines
  const first = shown.findIndex((line) => line !== '' && !/^[\s>]/.test(line))
  if (first < 0) return undefined
  const parts = splitException(shown.slice(first).join('\n'))
  return parts && { ...parts, stack }
}

/** Splits `ValueError: no` into type and message. */
function splitException(text: string): { type: string; message: string } | undefined {
  const colon = text.indexOf(':')
  const type = colon < 0 ? text : text.slice(0, colon)
  if (!TYPE.test(type)) return undefined
  const message = colon < 0 ? '' : text.slice(colon + 1)
  return { type: withoutBuiltins(type), message: message.startsWith(' ') ? message.slice(1) : message }
}

/** Removes the module that Python leaves out: `builtins.ValueError` is printed as `ValueError`. */
export function withoutBuiltins(type: string): string {
  return type.startsWith('builtins.') ? type.slice('builtins.'.length) : type
}

/** Line in which loguru shows the value of a variable: `└ 1200`. */
const SHOWN_VALUE = /^ +[│└][│└ ]/
const FRAME = /^[ >] File "/
const SENTENCE = /^(?:The above exception was|During handling of the above)/

/**
 * Writes a traceback of loguru as Python does: without blank lines between frames, without the mark of the frame that caught the exception.
 * @param keepsValues keeps the values of variables, which `diagnose=True` shows
 */
export function plainTraceback(text: string, keepsValues: boolean): string {
  const plain: string[] = []
  let inFrames = false
  for (const line of text.split('\n')) {
    if (line === '' && inFrames) continue
    if (!keepsValues && inFrames && SHOWN_VALUE.test(line)) continue
    if (SENTENCE.test(line)) {
      while (plain.at(-1) === '') plain.pop()
      plain.push('', line, '')
      // Blank lines follow up to the next traceback.
      inFrames = true
      continue
    }
    if (line === TRACEBACK) inFrames = true
    else if (inFrames && line !== '' && !line.startsWith(' ') && !line.startsWith('>')) inFrames = false
    plain.push(FRAME.test(line) ? ` ${line.slice(1)}` : line)
  }
  return plain.join('\n').trimEnd()
}
