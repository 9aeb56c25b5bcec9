import { existsSync } from 'node:fs'
import { closestName } from './closestName.ts'
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
    if (command !== undefined) return await command(args)
    checkFile(name)
    await start(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ViewerError)) throw error
    printMessage(`logbridge-viewer: ${withFlag(error)}`)
    process.exitCode = error instanceof UsageError || error.code === 'INVALID_OPTION' ? 2 : 1
  }
}

/** Refuses a word that is no file, because it is a mistyped command. */
function checkFile(name: string): void {
  if (!/^\w+$/.test(name) || existsSync(name)) return
  const names = [...COMMANDS.keys()]
  const close = closestName(name, names)
  const question = close === undefined ? '' : ` Did you mean ${close}?`
  throw new UsageError(
    `${name} is neither a command nor a file.${question} The commands are ${names.join(', ')}.`,
  )
}

/** Names the flag in place of the option. */
function withFlag(error: UsageError | ViewerError): string {
  const option = error instanceof ViewerError ? error.option : undefined
  return option === undefined
    ? error.message
    : error.message
        .replaceAll(`with ${option}`, `with ${FLAGS[option]}`)
        .replaceAll(`another ${option}.`, `another ${FLAGS[option]}.`)
}

const FLAGS = { grpcPort: '--grpc-port', httpPort: '--http-port', port: '--port', host: '--host' } as const
