import { connectViewer, parseJson } from '../client.ts'
import { formatLogRecord } from '../format.ts'
import { printMessage } from '../output.ts'
import { suggestField } from '../query/suggestField.ts'
import { escapeControls } from '../text.ts'
import {
  CLIENT_FLAGS,
  CLIENT_HELP,
  COLOR_FLAG,
  COLOR_HELP,
  onePositional,
  queryLast,
  readFlags,
  toCount,
  wantsColor,
} from './arguments.ts'
import { writeLine } from './lines.ts'
import { toLogRecord, type ParsedLogRow } from './records.ts'

const HELP = `Usage: logbridge-viewer logs [options] [query]

Prints the newest log records that match, the oldest of them first.

  logbridge-viewer logs 'level>=warn service=shop since=15m'

  --limit <number>        records (default 25, at most 1000)
  --follow                print further records as they arrive
  --json                  print one line of JSON for each record
${COLOR_HELP}${CLIENT_HELP}`

/** Prints the log records that match. */
export async function showLogs(args: string[]): Promise<void> {
  const flags = readFlags(
    queryLast(args),
    {
      ...CLIENT_FLAGS,
      ...COLOR_FLAG,
      limit: { type: 'string' },
      follow: { type: 'boolean' },
      json: { type: 'boolean' },
    },
    HELP,
  )
  if (flags === undefined) return
  const { values, positionals } = flags
  const query = onePositional(positionals, 'query', '')
  const limit = toCount('--limit', values.limit ?? '25', 1000)
  const color = wantsColor(values.color)
  const print = (line: string): Promise<void> =>
    writeLine(
      values.json === true
        ? escapeControls(line)
        : formatLogRecord(toLogRecord(parseJson(line) as ParsedLogRow), { color }),
    )
  const client = connectViewer(values)
  if (values.follow === true) {
    for await (const line of client.lines('api/logs', { q: query, limit, follow: '' })) await print(line)
  } else {
    const newestFirst: string[] = []
    for await (const line of client.lines('api/logs', { q: query, limit })) newestFirst.push(line)
    for (const line of newestFirst.toReversed()) await print(line)
    if (newestFirst.length === 0)
      printMessage(`No record matches. ${suggestField(query, 'logs') ?? ''}`.trim())
  }
}
