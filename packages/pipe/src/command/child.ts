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
  /** True when a signal has come that ends programs. */
  readonly isSignaled: boolean
}

/** Starts a program, and passes signals on to it. No signal ends this process from then on, because records of the program may be unsent. */
export function startChild(command: string, args: readonly string[], say: (message: string) => void): Child {
  const child = spawn(command, args, { stdio: ['inherit', 'pipe', 'pipe'] })
  let isSignaled = false
  const pass = (signal: NodeJS.Signals): void => {
    isSignaled ||= ENDING.has(signal)
    const isFromTerminal = OF_TERMINAL.has(signal) && (process.stdin.isTTY || process.stderr.isTTY)
    if (!isFromTerminal) child.kill(signal)
  }
  for (const signal of PASSED) process.on(signal, pass)
  return {
    process: child,
    ended: endOf(child, command, say),
    get isSignaled() {
      return isSignaled
    },
  }
}

async function endOf(child: ChildProcess, command: string, say: (message: string) => void): Promise<number> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return signal === null ? code! : SIGNALED + constants.signals[signal]
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    say(code === 'ENOENT' ? `${command} was not found` : `${command} could not be started: ${message}`)
    return code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE
  }
}
