import { connectViewer } from '../client.ts'
import { printMessage } from '../output.ts'
import type { Imported } from '../store/importLines.ts'
import { CLIENT_FLAGS, CLIENT_HELP, readFlags, UsageError } from './arguments.ts'
import { describeImport, openLines } from './files.ts'

const HELP = `Usage: logbridge-viewer import [options] <file ...>

Stores lines of OTLP/JSON in the running viewer, as the Collector's file exporter writes them. Reads .gz files, and stdin for -.

${CLIENT_HELP}`

/** Stores files in the running viewer. Exits with status 1 when a line failed. */
export async function importFiles(args: string[]): Promise<void> {
  const flags = readFlags(args, CLIENT_FLAGS, HELP)
  if (flags === undefined) return
  const { values, positionals: files } = flags
  if (files.length === 0) throw new UsageError('The file is missing. See --help.')
  const sources = files.map((file) => ({ file, lines: openLines(file) }))
  const client = connectViewer(values)
  for (const { file, lines } of sources) {
    const imported = await client.importLines<Imported>(lines)
    if (imported.failed > 0) process.exitCode = 1
    printMessage(describeImport(file, imported))
  }
}
