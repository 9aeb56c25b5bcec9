import { once } from 'node:events'
import { appendFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findCollector, startCollector } from '@logbridge/test-support/collector'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startCommand, temporaryFolder } from '../startCommand.ts'

const collectorProgram = findCollector()
const LINES = 20
const WRITE_MILLIS = 10
const ROTATE_MILLIS = 400
const WAIT = { timeout: 120_000, interval: 50 }

/** Program that appends numbered lines to a file, and rotates the file by renaming. */
function startWriter(folder: string): { written: () => number; rotations: () => number; stop: () => void } {
  const file = join(folder, 'app.log')
  writeFileSync(file, '')
  let written = 0
  let rotations = 0
  const writing = setInterval(() => {
    let lines = ''
    for (let i = 0; i < LINES; i += 1) lines += `line ${written++} ${'x'.repeat(80)}\n`
    appendFileSync(file, lines)
  }, WRITE_MILLIS)
  const rotating = setInterval(() => {
    renameSync(file, `${file}.${String((rotations += 1)).padStart(6, '0')}`)
    writeFileSync(file, '')
  }, ROTATE_MILLIS)
  const stop = (): void => {
    clearInterval(writing)
    clearInterval(rotating)
  }
  onTestFinished(stop)
  return { written: () => written, rotations: () => rotations, stop }
}

/** Number of kills; `pnpm test:kill` sets 50. */
const kills = Number(process.env['KILLS'] ?? 0)
/** Longest time that the command is down, after one kill of ten. */
const LONGEST_DOWN_MILLIS = kills >= 50 ? 60_000 : 1500

describe.skipIf(collectorProgram === undefined || kills === 0)('logbridge-pipe follow, after kill -9', () => {
  test(
    `loses no line when it is killed ${kills} times while the log is rotated, up to ${LONGEST_DOWN_MILLIS} ms apart`,
    { timeout: 600_000 },
    async () => {
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
      const options = [
        '--checkpoints',
        join(folder, 'checkpoints.json'),
        '--from-start',
        '--scheduled-delay-millis',
        '100',
      ]
      const start = () =>
        startCommand(['follow', join(folder, 'app.log'), ...options], {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.grpcUrl,
        })
      const writer = startWriter(folder)
      for (let kill = 0; kill < kills; kill += 1) {
        const command = start()
        const { child } = command
        // The first run notes where it begins. Others are killed also before they have read anything.
        if (kill === 0) await command.printed('following')
        await delay(Math.random() * 2500)
        child.kill('SIGKILL')
        if (child.signalCode === null) await once(child, 'exit')
        // One of ten stays down for long.
        await delay(Math.random() * (kill % 25 === 4 ? LONGEST_DOWN_MILLIS : 500))
      }
      writer.stop()
      const last = start()
      const missing = (): number[] =>
        Array.from({ length: writer.written() }, (_, number) => number).filter((number) => !times.has(number))
      await vi.waitFor(() => expect(missing().slice(0, 10)).toEqual([]), WAIT)
      last.child.kill('SIGTERM')
      await last.end()
      const arrived = [...times.values()].reduce((sum, count) => sum + count, 0)
      const created = writer.written()
      const duplicates = arrived - created
      reportCounts(
        `logbridge-pipe follow killed ${kills} times`,
        { created, delivered: created, rejected: 0, dropped: {}, queued: 0, inFlight: 0 },
        { duplicates, rotations: writer.rotations() },
      )
      // A second of lines, and what was read again at the same time.
      expect(duplicates).toBeLessThan(kills * LINES * (1000 / WRITE_MILLIS) * 2)
    },
  )
})
