import { addField, rename } from './fields.ts'
import type { Fields } from './types.ts'

/** Number of a line behind the path of its file. */
const LINE = /:(\d{1,9})$/

/** Moves a call site in Go's notation, `shop/main.go:12`. https://opentelemetry.io/docs/specs/semconv/code/ */
export function moveCaller(fields: Fields, key: string): void {
  const caller = fields[key]
  if (typeof caller !== 'string') return
  const found = LINE.exec(caller)
  if (found === null) return
  fields[key] = undefined
  addField(fields, 'code.file.path', caller.slice(0, found.index), 'line.')
  addField(fields, 'code.line.number', Number(found[1]), 'line.')
}

/** Moves a call site of Python: its path, or the name of the file alone. */
export function movePythonSource(fields: Fields, functionKey: string): void {
  const { pathname, filename, module } = fields
  rename(fields, functionKey, 'code.function.name')
  rename(fields, 'lineno', 'code.line.number')
  if (typeof pathname === 'string') {
    rename(fields, 'pathname', 'code.file.path')
    if (typeof filename === 'string' && pathname.endsWith(filename)) fields['filename'] = undefined
  } else if (typeof filename === 'string') rename(fields, 'filename', 'code.file.path')
  // The module is that of the file.
  if (typeof module === 'string' && typeof filename === 'string' && filename === `${module}.py`)
    fields['module'] = undefined
}
