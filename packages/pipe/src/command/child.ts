import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'

/** Signals that are passed on. Node.js itself cannot catch SIGKILL and SIGSTOP. */
const PASSED: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGQUIT']
/** Signals that a terminal sends to every process in its foreground, the child among them. */
const OF_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT'])
/** Signals after which this process ends soon. */
const ENDING: ReadonlySet<NodeJS.Signals> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126
/** Status of a process that a signal has ended, in the convention of shells. */
const SIGNALED = 128

/** Program that the command has started. */
export interface Child {
  readonly process: ChildProcess
  /** Resolves with the exit code when the program has ended; its streams may be open still, in its own children. */
  readonly ended: Promise<number>
  /** Aborts when a signal comes that ends programs. */
  readonly signaled: AbortSignal
}

/**
 * Starts a program, and passes signals on to it. No signal ends this process from then on, because records of the program may be unsent.
 *
 * @returns the exit code when the program cannot be started
 */
export async function startChild(
  command: string,
  args: readonly string[],
  say: (message: string) => void,
): Promise<Child | number> {
  let child: ChildProcess
  try {
    child = spawn(command, args, { stdio: ['inherit', 'pipe', 'pipe'] })
    await once(child, 'spawn')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    say(code === 'ENOENT' ? `${command} was not found` : `${command} could not be started: ${message}`)
    return code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE
  }
  // A program of another user, which sudo starts, takes no signal of this process.
  child.on('error', ({ message }) => say(`${command} got no signal: ${message}`))
  const signaled = new AbortController()
  const pass = (signal: NodeJS.Signals): void => {
    if (ENDING.has(signal)) signaled.abort()
    const isFromTerminal = OF_TERMINAL.has(signal) && (process.stdin.isTTY || process.stderr.isTTY)
    if (!isFromTerminal) child.kill(signal)
  }
  for (const signal of PASSED) process.on(signal, pass)
  return { process: child, ended: endOf(child), signaled: signaled.signal }
}

function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) =>
    child.once('exit', (code, signal) =>
      resolve(signal === null ? code! : SIGNALED + constants.signals[signal]),
    ),
  )
}
