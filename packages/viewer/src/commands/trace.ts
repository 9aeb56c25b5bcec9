import { connectViewer } from '../client.ts'
import { formatDuration, formatLogRecord } from '../format.ts'
import { printable } from '../text.ts'
import {
  CLIENT_FLAGS,
  CLIENT_HELP,
  COLOR_FLAG,
  COLOR_HELP,
  onePositional,
  readFlags,
  UsageError,
  wantsColor,
} from './arguments.ts'
import { writeLine } from './lines.ts'
import { toLogRecord, type ParsedLogRow, type ParsedTrace } from './records.ts'
import { describeTrace, orderSpans } from '../traceSummary.ts'

/** Depth of the deepest indentation. */
const MAX_DEPTH = 32

const HELP = `Usage: logbridge-viewer trace [options] <id>

Prints a trace: its spans, services, errors, and slowest span, then each span with its logs. The beginning of the id is enough.

  --json                  print JSON
${COLOR_HELP}${CLIENT_HELP}`

/** Prints a trace. */
export async function showTrace(args: string[]): Promise<void> {
  const flags = readFlags(args, { ...CLIENT_FLAGS, ...COLOR_FLAG, json: { type: 'boolean' } }, HELP)
  if (flags === undefined) return
  const { values, positionals } = flags
  const id = onePositional(positionals, 'trace id')
  if (!/^[\da-f]{1,32}$/i.test(id)) {
    throw new UsageError(`The trace id must be up to 32 hex digits, not ${JSON.stringify(id)}.`)
  }
  const client = connectViewer(values)
  if (values.json === true) {
    for await (const line of client.lines('api/trace', { id })) await writeLine(line)
    return
  }
  const { spans, logs, total } = await client.json<ParsedTrace>('api/trace', { id })
  const options = { color: wantsColor(values.color) }
  for (const line of describeTrace(spans, logs, total)) await writeLine(printable(line))
  await writeLine('')
  const start = BigInt(spans[0]?.time ?? logs[0]?.time ?? 0)
  const logsBySpan = Map.groupBy(logs, ({ spanId }) => spanId)
  for (const { span, depth } of orderSpans(spans)) {
    const indent = '  '.repeat(Math.min(depth, MAX_DEPTH))
    const offset = formatDuration(BigInt(span.time) - start).padStart(8)
    const status = span.status === 'error' ? ' error' : ''
    await writeLine(
      `${offset} ${indent}${printable(span.service)} ${printable(span.name)} ${span.kind} ${formatDuration(BigInt(span.duration))}${status}`,
    )
    for (const log of logsBySpan.get(span.spanId) ?? []) await writeLog(log, `         ${indent}  `)
  }
  const known = new Set(spans.map(({ spanId }) => spanId))
  for (const log of logs) if (!known.has(log.spanId)) await writeLog(log, '         ')

  async function writeLog(log: ParsedLogRow, indent: string): Promise<void> {
    for (const line of formatLogRecord(toLogRecord(log), options).split('\n'))
      await writeLine(`${indent}${line}`)
  }
}
