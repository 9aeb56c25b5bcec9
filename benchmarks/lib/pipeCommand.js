/** Runs `logbridge-pipe` on one core, with its input in files, and measures it from outside. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../../packages/pipe/dist/cli.js', import.meta.url))
const fixtures = new URL('../../packages/pipe/test/fixtures/lines/', import.meta.url)
const POLL_MILLIS = 20
const STOPPED_MILLIS = 60_000

/** Writes lines of a library to a file, the lines of the fixture again and again. */
export function writeLines(directory, format, count) {
  const lines = readFileSync(new URL(`${format}.jsonl`, fixtures), 'utf8')
    .trimEnd()
    .split('\n')
  const path = join(directory, `${format}.jsonl`)
  writeFileSync(path, '')
  const block = `${Array.from({ length: 1000 }, (_, index) => lines[index % lines.length]).join('\n')}\n`
  for (let written = 0; written < count; written += 1000) appendFileSync(path, block)
  return path
}

/** Starts the command on the first core. The receiver has the other ones. */
function start(args, url, input) {
  return spawn('taskset', ['-c', '0', process.execPath, cli, '--endpoint', url, ...args], {
    stdio: [input ?? 'ignore', 'ignore', 'pipe'],
  })
}

/** Returns the CPU time in seconds, and the largest RSS in MB, of a process so far. */
function usageOf(pid) {
  const [, , , , , , , , , , , , , user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')
  const [, peak] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+) kB$/m)
  return { cpuSeconds: (Number(user) + Number(system)) / 100, peakMb: Number(peak) / 1000 }
}

/** Sends a file from stdin. @returns lines in a second, CPU of a line in microseconds, peak RSS in MB */
export async function pipeFile(path, count, receiver) {
  const child = start(['--quiet'], receiver.url, openSync(path, 'r'))
  const begin = performance.now()
  let usage = { cpuSeconds: 0, peakMb: 0 }
  const watch = setInterval(() => {
    try {
      usage = usageOf(child.pid)
    } catch {
      // The process has ended.
    }
  }, POLL_MILLIS)
  await once(child, 'exit')
  clearInterval(watch)
  const seconds = (performance.now() - begin) / 1000
  const arrived = await receiver.take()
  if (arrived !== count) throw new Error(`${arrived} of ${count} records arrived`)
  return { perSecond: count / seconds, cpuMicros: (usage.cpuSeconds * 1e6) / count, peakMb: usage.peakMb }
}

/** Sends a file to a port without a receiver for a minute. @returns peak RSS in MB */
export async function pipeToNobody(path) {
  const child = start(['--quiet'], 'http://127.0.0.1:1', openSync(path, 'r'))
  await delay(STOPPED_MILLIS)
  const { peakMb } = usageOf(child.pid)
  child.kill('SIGKILL')
  await once(child, 'exit')
  return peakMb
}

/** Follows 1,000 files. @returns CPU without new lines in percent of a core, peak RSS in MB, lines in a second */
export async function followFiles(directory, files, lines, format, receiver) {
  const folder = join(directory, 'files')
  mkdirSync(folder, { recursive: true })
  const content = readFileSync(writeLines(directory, format, 1000), 'utf8').split('\n')
  const block = `${content.slice(0, lines).join('\n')}\n`
  const paths = Array.from({ length: files }, (_, index) => join(folder, `${index}.log`))
  for (const path of paths) writeFileSync(path, '')
  const child = start(
    ['follow', join(folder, '*.log'), '--checkpoints', join(directory, 'checkpoints.json')],
    receiver.url,
  )
  await once(child.stderr, 'data')
  await delay(1000)
  const before = usageOf(child.pid)
  await delay(5000)
  const idlePercent = ((usageOf(child.pid).cpuSeconds - before.cpuSeconds) / 5) * 100
  for (const path of paths) appendFileSync(path, block)
  const begin = performance.now()
  let arrived = 0
  while (arrived < files * lines) {
    arrived += await receiver.take()
    await delay(POLL_MILLIS)
  }
  const perSecond = (files * lines) / ((performance.now() - begin) / 1000)
  const { peakMb } = usageOf(child.pid)
  child.kill('SIGTERM')
  await once(child, 'exit')
  return { idlePercent, perSecond, peakMb }
}
