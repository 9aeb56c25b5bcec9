import { spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

// Whole processes, with the built package: what is watched at the end of a process cannot be seen from inside of it.

const folder = fileURLToPath(new URL('..', import.meta.url))

export interface Ended {
  /** The exit code, or the signal that ended the process. */
  code: number | string | null
  stdout: string
  stderr: string
}

export interface Program {
  readonly pid: number
  /** Resolves with all of stdout as soon as it has printed this there; rejects when it ends without. */
  printed(text: string): Promise<string>
  kill(signal: NodeJS.Signals): void
  /** Writes to its stdin, which must be a pipe. */
  write(text: string): void
  readonly ended: Promise<Ended>
}

export interface ProgramOptions {
  /** Variables beside those of this process. */
  env?: Record<string, string>
  type?: 'module' | 'commonjs'
  /** Options of Node. */
  execArgv?: readonly string[]
  /** `process.argv` from its second on. */
  args?: readonly string[]
  /** Default `ignore`. */
  stdin?: 'pipe' | 'ignore'
}

/** Starts a program from its text, or its file; it finds packages as those of core do. */
export function start(code: string | URL, options: ProgramOptions = {}): Program {
  const { env = {}, type = 'module', execArgv = [], args = [], stdin = 'ignore' } = options
  const program = code instanceof URL ? [fileURLToPath(code)] : [`--input-type=${type}`, '-e', code, '--']
  const stdio: StdioOptions = [stdin, 'pipe', 'pipe']
  const child = spawn(process.execPath, [...execArgv, ...program, ...args], {
    cwd: folder,
    env: { ...process.env, OTEL_SERVICE_NAME: 'child', ...env },
    stdio,
  })
  const output: Ended = { code: null, stdout: '', stderr: '' }
  child.stdout!.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr!.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  const ended = once(child, 'close').then(([code, signal]) => {
    output.code = (code ?? signal) as number | string
    return output
  })
  return {
    pid: child.pid!,
    async printed(text) {
      while (!output.stdout.includes(text)) {
        const isOpen = await Promise.race([once(child.stdout!, 'data'), ended.then(() => false)])
        if (!isOpen && !output.stdout.includes(text)) throw new Error(`ended: ${JSON.stringify(output)}`)
      }
      return output.stdout
    },
    kill: (signal) => void child.kill(signal),
    write: (text) => void child.stdin!.write(text),
    ended,
  }
}

/** Runs a program to its own end. */
export function run(code: string | URL, options?: ProgramOptions): Promise<Ended> {
  return start(code, options).ended
}
