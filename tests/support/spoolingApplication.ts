import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { LoggerProviderOptions, LogsStats } from '@logbridge/core'
import { onTestFinished } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../fixtures/spooling.mjs', import.meta.url))

/** Process that logs numbers with a spool, for tests that kill it. */
export interface Application {
  readonly child: ChildProcess
  /** Returns a number below which all records are delivered or in the spool. */
  safe(): number
  /** Shuts the process down and returns its stats. */
  end(): Promise<LogsStats>
}

/** @param options options of `createLoggerProvider`, and `text`, an attribute of each record */
export function startApplication(
  endpoint: string,
  directory: string,
  from: number,
  count: number,
  options: LoggerProviderOptions & { text?: string } = {},
): Application {
  const args = [endpoint, directory, String(from), String(count), JSON.stringify(options)]
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['pipe', 'pipe', 'ignore'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let safe = from
  let stats: LogsStats | undefined
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    if (line.startsWith('{')) stats = JSON.parse(line) as LogsStats
    else safe = Number(line)
  })
  return {
    child,
    safe: () => safe,
    async end() {
      child.stdin.end()
      await once(lines, 'close')
      return stats!
    },
  }
}
