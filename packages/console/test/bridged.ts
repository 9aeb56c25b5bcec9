import { Console } from 'node:console'
import { Writable } from 'node:stream'
import type { LoggerProvider } from '@logbridge/bridge'
import type { ApiLogRecord } from '@logbridge/bridge/internal'
import { onTestFinished } from 'vitest'
import { bridgeConsole, type BridgeConsoleOptions } from '../src/index.ts'

/** A stream that keeps what is written to it. */
export class Memory extends Writable {
  text = ''
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

export interface Bridged {
  readonly console: Console
  readonly records: ApiLogRecord[]
  readonly stdout: Memory
  readonly stderr: Memory
  readonly restore: () => void
  /** The only record that came since the last call. */
  record(): ApiLogRecord
}

/** A console of Node's with nothing attached. */
export function newConsole(): { console: Console; stdout: Memory; stderr: Memory } {
  const [stdout, stderr] = [new Memory(), new Memory()]
  return { console: new Console({ stdout, stderr }), stdout, stderr }
}

/** A LoggerProvider that takes plain values and keeps them. */
export function memoryProvider(records: ApiLogRecord[]): LoggerProvider {
  return { getLogger: () => ({ emit: (record) => void records.push(record) }) }
}

/** A bridged console for one test: a new one, or that of the options. */
export function bridged(options: BridgeConsoleOptions = {}): Bridged {
  const records: ApiLogRecord[] = []
  const made = newConsole()
  const console = options.console ?? made.console
  const restore = bridgeConsole({ loggerProvider: memoryProvider(records), ...options, console })
  onTestFinished(restore)
  return {
    ...made,
    console,
    records,
    restore,
    record() {
      if (records.length !== 1) throw new Error(`one record expected, not ${records.length}`)
      return records.pop()!
    },
  }
}
