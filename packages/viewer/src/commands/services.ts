import { connectViewer } from '../client.ts'
import type { ServiceSummary } from '../store/answers.ts'
import { printable } from '../text.ts'
import { CLIENT_FLAGS, CLIENT_HELP, readFlags, UsageError } from './arguments.ts'
import { writeLine } from './lines.ts'

const HELP = `Usage: logbridge-viewer services [options]

Prints the services, with the numbers of their log records, errors, and spans.

  --json                  print JSON
${CLIENT_HELP}`

/** Prints the services. */
export async function showServices(args: string[]): Promise<void> {
  const flags = readFlags(args, { ...CLIENT_FLAGS, json: { type: 'boolean' } }, HELP)
  if (flags === undefined) return
  if (flags.positionals.length > 0) throw new UsageError(`services takes no argument. See --help.`)
  const services = await connectViewer(flags.values).json<ServiceSummary[]>('api/services')
  if (flags.values.json === true) return writeLine(JSON.stringify(services))
  const rows = services.map(({ service, logs, errors, spans, lastTime }) => [
    printable(service) || '(no name)',
    String(logs),
    String(errors),
    String(spans),
    lastTime === '' ? '' : new Date(Number(BigInt(lastTime) / 1_000_000n)).toISOString(),
  ])
  for (const line of alignColumns([['service', 'logs', 'errors', 'spans', 'last'], ...rows]))
    await writeLine(line)
}

/** Pads the cells of each column: the first column on its right, the others on their left. */
function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  '),
  )
}
