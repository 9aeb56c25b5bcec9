import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ReceivedLogRecord, startViewer, type Viewer } from '@logbridge/viewer'
import { onTestFinished, vi } from 'vitest'

const CLI: string = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
export const WAIT: { timeout: number; interval: number } = { timeout: 20_000, interval: 20 }

/** Running `logbridge-pipe`. */
export interface Command {
  readonly child: ChildProcess
  /** Bytes that the command has written to stdout so far. */
  stdout(): Buffer
  stderr(): string
  /** Ends the input, waits for the end of the command, and returns its exit code; the number of a signal is negative. */
  end(input?: string | Uint8Array): Promise<number>
  /** Waits for a text on stderr. */
  printed(text: string): Promise<unknown>
}

/** Options of `startCommand`. */
interface StartOptions {
  /** False leaves stdout unread. */
  readonly isRead?: boolean
  readonly cwd?: string
  /** Program and arguments that start the command, which stands behind them. */
  readonly wrapper?: readonly string[]
}

/** Starts the command. Its stdin and stdout are pipes. */
export function startCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  { isRead = true, cwd, wrapper = [] }: StartOptions = {},
): Command {
  const [program, ...rest] = [...wrapper, process.execPath, CLI, ...args]
  const child = spawn(program!, rest, { env: { ...process.env, ...env }, cwd, stdio: 'pipe' })
  onTestFinished(() => void child.kill('SIGKILL'))
  const out: Buffer[] = []
  let err = ''
  if (isRead) child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk) => (err += String(chunk)))
  child.stdin.on('error', () => {})
  const closed = once(child, 'exit')
  const flushed = isRead ? once(child, 'close') : closed
  return {
    child,
    stdout: () => Buffer.concat(out),
    stderr: () => err,
    async end(input) {
      if (!child.stdin.destroyed) child.stdin.end(input)
      await flushed
      return child.exitCode ?? -1
    },
    printed: (text) =>
      vi.waitFor(() => void (err.includes(text) || fail(`${text} was not printed: ${err}`)), WAIT),
  }
}

function fail(message: string): never {
  throw new Error(message)
}

/** Receiver of the records of commands. */
export interface Receiver {
  readonly viewer: Viewer
  /** Variable with the endpoint. */
  readonly env: NodeJS.ProcessEnv
  readonly records: ReceivedLogRecord[]
  /** Waits for a number of records, and returns their bodies. */
  bodies(count: number): Promise<unknown[]>
}

/** @param grpcPort port of gRPC; 0 for any */
export async function startReceiver(grpcPort = 0): Promise<Receiver> {
  const viewer = await startViewer({ grpcPort, httpPort: 0 })
  onTestFinished(() => viewer.close())
  const records: ReceivedLogRecord[] = []
  viewer.on('logs', (received) => void records.push(...received))
  return {
    viewer,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl },
    records,
    async bodies(count) {
      await viewer.waitFor(() => records.length >= count, 20_000)
      return records.map(({ body }) => body)
    },
  }
}

/** Makes a folder for the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'logbridge-pipe-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
