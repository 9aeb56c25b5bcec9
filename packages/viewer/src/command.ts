import { UsageError } from './commands/arguments.ts'
import { exportRecords } from './commands/export.ts'
import { importFiles } from './commands/import.ts'
import { showLogs } from './commands/logs.ts'
import { showServices } from './commands/services.ts'
import { start } from './commands/start.ts'
import { showTrace } from './commands/trace.ts'
import { ViewerError } from './errors.ts'
import { handleOutputErrors, printMessage } from './output.ts'

/** Commands that ask a running viewer. Any other first argument belongs to the command that starts one. */
const COMMANDS = new Map<string, (args: string[]) => Promise<void>>([
  ['logs', showLogs],
  ['trace', showTrace],
  ['services', showServices],
  ['export', exportRecords],
  ['import', importFiles],
])

/** Runs the command of `logbridge-viewer`. */
export async function main(): Promise<void> {
  handleOutputErrors()
  const [name = '', ...args] = process.argv.slice(2)
  const command = COMMANDS.get(name)
  try {
    await (command === undefined ? start(process.argv.slice(2)) : command(args))
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ViewerError)) throw error
    printMessage(`logbridge-viewer: ${withFlag(error)}`)
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}

/** Names the flag in place of the option. */
function withFlag(error: UsageError | ViewerError): string {
  const option = error instanceof ViewerError ? error.option : undefined
  return option === undefined ? error.message : error.message.replaceAll(option, FLAGS[option])
}

const FLAGS = { grpcPort: '--grpc-port', httpPort: '--http-port', port: '--port', host: '--host' } as const
