import { connectViewer } from '../client.ts'
import { CLIENT_FLAGS, CLIENT_HELP, onePositional, queryLast, readFlags } from './arguments.ts'
import { writeLine } from './lines.ts'

const HELP = `Usage: logbridge-viewer export [options] [query]

Prints the records that match as lines of OTLP/JSON, which import and the Collector's otlpjsonfile receiver read.

  logbridge-viewer export --signal traces 'service=shop' > traces.jsonl

  --signal <signal>       logs, traces, or metrics (default logs)
${CLIENT_HELP}`

/** Prints records as OTLP/JSON lines. */
export async function exportRecords(args: string[]): Promise<void> {
  const flags = readFlags(queryLast(args), { ...CLIENT_FLAGS, signal: { type: 'string' } }, HELP)
  if (flags === undefined) return
  const { values, positionals } = flags
  const query = onePositional(positionals, 'query', '')
  const client = connectViewer(values)
  for await (const line of client.lines('api/export', { q: query, signal: values.signal }))
    await writeLine(line)
}
