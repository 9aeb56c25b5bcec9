import { counted } from '@logbridge/bridge/internal'
import { once } from 'node:events'
import { constants } from 'node:os'
import { basename } from 'node:path'
import { CheckpointFile, defaultCheckpointPath } from '../follow/checkpoints.ts'
import type { FileReader } from '../follow/encoding.ts'
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
  const { signal: signaled, received } = onFirstSignal()
  const deadline = deadlineAfter(signaled)
  const echo = settings.quiet ? undefined : new Echo(process.stdout, 'stdout', printMessage)
  const reader = createSendingReader(settings, sender, {})
  const isReadable = await readStdin(reader, sender, echo, deadline, signaled)
  const isCut = deadline.aborted
  await end(sender, signaled)
  const signal = received()
  if (isCut && signal) return SIGNALED + constants.signals[signal]
  return isReadable && sender.lost === 0 ? 0 : LOST
}

/** Reads stdin to its end. Returns false when stdin cannot be read, such as a terminal that was closed. */
async function readStdin(
  reader: FileReader,
  sender: Sender,
  echo: Echo | undefined,
  deadline: AbortSignal,
  signaled: AbortSignal,
): Promise<boolean> {
  try {
    const bytes = await readStream(process.stdin, reader, sender, echo, deadline)
    if (bytes === 0 && !signaled.aborted)
      printMessage(
        'no line came on stdin. For a program that logs to stderr: PROGRAM 2>&1 | logbridge-pipe, or logbridge-pipe -- PROGRAM',
      )
    return true
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // Errors of the program itself have no code.
    if (code === undefined) throw error
    printMessage(`stdin cannot be read: ${message}`)
    return false
  }
}

async function runChild(settings: Settings, command: string, args: readonly string[]): Promise<number> {
  const sender = new Sender(settings.delivery, settings.bridge)
  const child = await startChild(command, args, printMessage)
  if (typeof child === 'number') {
    await sender.shutdown(0)
    return child
  }
  const abort = new AbortController()
  const reading = (['stdout', 'stderr'] as const).map((name) => {
    const echo = settings.quiet ? undefined : new Echo(process[name], name, printMessage)
    const reader = createSendingReader(settings, sender, { 'log.iostream': name })
    return readStream(child.process[name]!, reader, sender, echo, abort.signal)
  })
  const code = await child.ended
  const deadline = setTimeout(() => abort.abort(), END_MILLIS)
  await Promise.all(reading)
  clearTimeout(deadline)
  await end(sender, child.signaled)
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

/** Sends the last records. Less time is left after a signal, also one that comes meanwhile. */
async function end(sender: Sender, signaled: AbortSignal): Promise<void> {
  const flushed = sender.flush(signaled.aborted ? END_MILLIS : undefined)
  const shortened = once(signaled, 'abort').then(() => sender.flush(END_MILLIS))
  await Promise.race([flushed, shortened])
  await sender.shutdown(0)
}

/** Returns a signal that aborts 5 s after another one, so that the program before the pipe can end first. */
function deadlineAfter(signal: AbortSignal): AbortSignal {
  const abort = new AbortController()
  signal.addEventListener('abort', () => setTimeout(() => abort.abort(), END_MILLIS).unref())
  return abort.signal
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
