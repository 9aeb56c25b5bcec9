import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { LoggerProviderOptions, LogsStats } from '@logbridge/core'
import { onTestFinished } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../fixtures/spooling.mjs', import.meta.url))

/** A process that logs numbers with a spool, to be killed. */
export interface Application {
  readonly child: ChildProcess
  /** All numbers below it are safe: delivered, or in the spool. */
  safe(): number
  /** Shuts it down, and gives its account. */
  end(): Promise<LogsStats>
}

/** @param options of `createLoggerProvider`; `text` goes with each number */
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
  let account: LogsStats | undefined
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    if (line.startsWith('{')) account = JSON.parse(line) as LogsStats
    else safe = Number(line)
  })
  return {
    child,
    safe: () => safe,
    async end() {
      child.stdin.end()
      await once(lines, 'close')
      return account!
    },
  }
}
