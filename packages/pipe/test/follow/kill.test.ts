import { once } from 'node:events'
import { appendFileSync, copyFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findCollector, startCollector } from '@logbridge/test-support/collector'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Command, startCommand, temporaryFolder } from '../startCommand.ts'

const collectorProgram = findCollector()
/** Number of kills; `pnpm test:kill` sets 50. */
const kills = Number(process.env['KILLS'] ?? 5)
/** Longest time that the command is down, after one kill of 25. */
const LONGEST_DOWN_MILLIS = kills >= 50 ? 60_000 : 1500
const LINES = 20
const WRITE_MILLIS = 10
const ROTATE_MILLIS = 400
/** Rotated files that stay: those of the longest time without the command, and of 20 s in which it reads them. */
const KEPT_FILES = (LONGEST_DOWN_MILLIS + 20_000) / ROTATE_MILLIS
const WAIT = { timeout: 120_000, interval: 500 }
/** Ways to rotate a log. */
const ROTATIONS = {
  create(file: string, rotated: string): void {
    renameSync(file, rotated)
    writeFileSync(file, '')
  },
  copytruncate(file: string, rotated: string): void {
    copyFileSync(file, rotated)
    truncateSync(file)
  },
} as const

/** Program that appends numbered lines to a file, and rotates the file. Removes the oldest files, whose inodes are used again. */
function startWriter(
  file: string,
  way: keyof typeof ROTATIONS,
): { written: () => number; rotations: () => number; stop: () => void } {
  const rotated = (number: number): string => `${file}.${String(number).padStart(6, '0')}`
  let written = 0
  let rotations = 0
  const writing = setInterval(() => {
    let lines = ''
    for (let i = 0; i < LINES; i += 1) lines += `line ${written++} ${'x'.repeat(80)}\n`
    appendFileSync(file, lines)
  }, WRITE_MILLIS)
  const rotating = setInterval(() => {
    ROTATIONS[way](file, rotated((rotations += 1)))
    rmSync(rotated(rotations - KEPT_FILES), { force: true })
  }, ROTATE_MILLIS)
  const stop = (): void => {
    clearInterval(writing)
    clearInterval(rotating)
  }
  onTestFinished(stop)
  return { written: () => written, rotations: () => rotations, stop }
}

describe.skipIf(collectorProgram === undefined)('logbridge-pipe follow, after kill -9', () => {
  test.each(['create', 'copytruncate'] as const)(
    `loses no line when it is killed ${kills} times while the log is rotated by %s, and is down for ${LONGEST_DOWN_MILLIS} ms at most`,
    { tags: ['long'], timeout: 600_000 },
    async (way) => {
      const times = new Map<number, number>()
      const collector = await startCollector(collectorProgram as string, {
        onLogs(resourceLogs) {
          for (const { scopeLogs } of resourceLogs)
            for (const { logRecords } of scopeLogs)
              for (const { body } of logRecords) {
                const number = Number(body.stringValue.split(' ')[1])
                times.set(number, (times.get(number) ?? 0) + 1)
              }
        },
      })
      onTestFinished(() => collector.stop())
      const folder = await temporaryFolder()
      const file = join(folder, 'app.log')
      writeFileSync(file, '')
      const options = [
        '--checkpoints',
        join(folder, 'checkpoints.json'),
        '--from-start',
        '--scheduled-delay-millis',
        '100',
      ]
      const commands: Command[] = []
      const start = (): Command => {
        const command = startCommand(['follow', file, ...options], {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.grpcUrl,
        })
        commands.push(command)
        return command
      }
      let command = start()
      // The first run notes which files are there. Files that were rotated before it are not its own.
      await command.printed('following')
      const writer = startWriter(file, way)
      for (let kill = 0; kill < kills; kill += 1) {
        if (kill > 0) command = start()
        const { child } = command
        await delay(Math.random() * 2500)
        child.kill('SIGKILL')
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
        await delay(Math.random() * (kill % 25 === 4 ? LONGEST_DOWN_MILLIS : 500))
      }
      writer.stop()
      const last = start()
      const created = writer.written()
      const lost = (): number[] =>
        Array.from({ length: created }, (_, number) => number).filter((number) => !times.has(number))
      // The numbers of the lines, and the messages, show what was lost when.
      const messages = (): string[] =>
        commands
          .flatMap((each) => each.stderr().split('\n'))
          .filter(
            (line) =>
              line !== '' &&
              !line.includes('following') &&
              !line.includes('since the last run; it is read from its beginning'),
          )
      await vi.waitFor(
        () =>
          times.size === created ||
          expect({ lost: lost().filter((_, index) => index % LINES === 0), messages: messages() }).toEqual({
            lost: [],
            messages: [],
          }),
        WAIT,
      )
      last.child.kill('SIGTERM')
      await last.end()
      const arrived = [...times.values()].reduce((sum, count) => sum + count, 0)
      const duplicates = arrived - created
      reportCounts(
        `logbridge-pipe follow killed ${kills} times, ${way}`,
        { created, delivered: created, rejected: 0, dropped: {}, queued: 0, inFlight: 0 },
        { duplicates, rotations: writer.rotations() },
      )
      expect(messages()).toEqual([])
      // A checkpoint is a second old at most, plus the time of an answer.
      expect(duplicates).toBeLessThan(kills * LINES * (1000 / WRITE_MILLIS) * 4)
    },
  )
})
