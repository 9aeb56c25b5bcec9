import { counted } from '@logbridge/bridge/internal'
import { constants } from 'node:os'
import { basename } from 'node:path'
import { CheckpointFile, defaultCheckpointPath } from '../follow/checkpoints.ts'
import { Follower } from '../follow/follow.ts'
import type { Arguments } from './arguments.ts'
import { startChild } from './child.ts'
import { Echo } from './echo.ts'
import { type Settings, UsageError } from './flags.ts'
import { printMessage, printOnce } from './messages.ts'
import { Sender } from './sender.ts'
import { serviceRule } from './service.ts'
import { createSendingReader, readStream } from './streams.ts'

/** Time that the command takes to end after a signal, or after the end of a child that leaves its streams open. */
const END_MILLIS = 5000
/** Exit code of a command that a signal ends, minus the number of the signal. */
const SIGNALED = 128
/** Exit code of a pipeline's last command that has lost lines. */
const LOST = 1

/**
 * Runs the command.
 *
 * @returns the exit code
 * @throws UsageError; LogbridgeError `INVALID_OPTION`
 */
export function run({ source, settings }: Arguments): Promise<number> {
  switch (source.kind) {
    case 'stdin':
      return pipe(settings)
    case 'child':
      return runChild(settings, source.command, source.args)
    case 'follow':
      return follow(settings, source.patterns)
  }
}

async function pipe(settings: Settings): Promise<number> {
  const sender = new Sender(settings.delivery, settings.bridge)
  const { signal, received } = deadlineAfterSignal()
  const echo = settings.quiet ? undefined : new Echo(process.stdout, 'stdout', printMessage)
  const reader = createSendingReader(settings, sender, {})
  const bytes = await readStream(process.stdin, reader, sender, echo, signal)
  if (bytes === 0 && received() === undefined)
    printMessage(
      'no line came on stdin. For a program that logs to stderr: PROGRAM 2>&1 | logbridge-pipe, or logbridge-pipe -- PROGRAM',
    )
  await end(sender, received() !== undefined)
  const name = received()
  if (signal.aborted && name) return SIGNALED + constants.signals[name]
  return sender.lost > 0 ? LOST : 0
}

async function runChild(settings: Settings, command: string, args: readonly string[]): Promise<number> {
  const sender = new Sender(settings.delivery, settings.bridge)
  const abort = new AbortController()
  const child = startChild(command, args, printMessage)
  const reading = (['stdout', 'stderr'] as const).map((name) => {
    const echo = settings.quiet ? undefined : new Echo(process[name], name, printMessage)
    const reader = createSendingReader(settings, sender, { 'log.iostream': name })
    return readStream(child.process[name]!, reader, sender, echo, abort.signal)
  })
  const code = await child.ended
  const deadline = setTimeout(() => abort.abort(), END_MILLIS)
  await Promise.all(reading)
  clearTimeout(deadline)
  await end(sender, child.isSignaled)
  return code
}

async function follow(settings: Settings, patterns: readonly string[]): Promise<number> {
  const {
    serviceFrom,
    encoding,
    fromStart = false,
    checkpoints: path = defaultCheckpointPath(patterns),
  } = settings
  const serviceOf = serviceFrom === undefined ? undefined : serviceRule(serviceFrom)
  const checkpoints = openCheckpoints(path)
  const sender = new Sender(settings.delivery, settings.bridge)
  const { signal } = onFirstSignal()
  const follower = new Follower(
    {
      patterns,
      fromStart,
      encoding,
      createReader(file) {
        const service = serviceOf?.(file)
        const attributes = { 'log.file.path': file, 'log.file.name': basename(file) }
        return createSendingReader(
          settings,
          sender,
          attributes,
          service === undefined ? undefined : { 'service.name': service },
        )
      },
      say: printOnce(),
    },
    sender,
    checkpoints,
    signal,
  )
  await follower.start()
  printMessage(`following ${counted(follower.size, 'file')}; checkpoints in ${path}`)
  await follower.run()
  await follower.end(END_MILLIS)
  const { unsent } = sender
  await sender.shutdown(0)
  if (unsent > 0)
    printMessage(`the next run reads the lines of ${counted(unsent, 'record')} again, which were not sent`)
  // A service manager ends this command by a signal, which is no failure.
  return 0
}

function openCheckpoints(path: string): CheckpointFile {
  try {
    return new CheckpointFile(path)
  } catch (error) {
    throw new UsageError(
      `the checkpoints ${path} cannot be used: ${(error as Error).message}. Give another file with --checkpoints FILE`,
      { cause: error },
    )
  }
}

/** Sends the last records. After a signal, less time is left. */
async function end(sender: Sender, isSignaled: boolean): Promise<void> {
  await sender.flush(isSignaled ? END_MILLIS : undefined)
  await sender.shutdown(0)
}

/** Returns a signal that aborts 5 s after that of `onFirstSignal`, so that the program before the pipe can end first. */
function deadlineAfterSignal(): { signal: AbortSignal; received: () => NodeJS.Signals | undefined } {
  const abort = new AbortController()
  const { signal, received } = onFirstSignal()
  signal.addEventListener('abort', () => setTimeout(() => abort.abort(), END_MILLIS).unref())
  return { signal: abort.signal, received }
}

/** Returns a signal that aborts at the first SIGINT, SIGTERM, or SIGHUP. Later ones have no effect. */
function onFirstSignal(): { signal: AbortSignal; received: () => NodeJS.Signals | undefined } {
  const abort = new AbortController()
  let first: NodeJS.Signals | undefined
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      first ??= name
      abort.abort()
    })
  return { signal: abort.signal, received: () => first }
}
