import { execFile } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { GO_ENVIRONMENT, GO_PACKAGES, testWith } from './installed.ts'
import { startCommand, startReceiver, temporaryFolder } from './startCommand.ts'

// Programs log by the real libraries.

const SOURCE = fileURLToPath(new URL('fixtures/emit/lines.go.txt', import.meta.url))
const LIBRARIES = {
  zap: 'go.uber.org/zap',
  zerolog: 'github.com/rs/zerolog',
  logrus: 'github.com/sirupsen/logrus',
}
const NEEDED = ['/usr/bin/go', ...Object.values(LIBRARIES).map((name) => join(GO_PACKAGES, 'src', name))]

for (const library of Object.keys(LIBRARIES)) {
  testWith(library, NEEDED)(
    `logbridge-pipe sends the records of ${library} when it starts the program, and when the program writes to its stdin`,
    { tags: ['long'] },
    async () => {
      const folder = await temporaryFolder()
      const [source, program] = [join(folder, 'main.go'), join(folder, 'program')]
      await copyFile(SOURCE, source)
      const env = { ...process.env, ...GO_ENVIRONMENT, GOCACHE: join(folder, 'cache') }
      await promisify(execFile)('go', ['build', '-o', program, source], { cwd: folder, env })
      const { stdout } = await promisify(execFile)(program, [library])
      const receiver = await startReceiver()
      const { records } = receiver

      const starting = startCommand(['--service', 'shop', '--', program, library], receiver.env)
      expect([await starting.end(), starting.stderr()]).toEqual([0, ''])
      const reading = startCommand(['--service', 'shop'], receiver.env)
      expect([await reading.end(stdout), reading.stderr()]).toEqual([0, ''])
      expect(reading.stdout().toString()).toBe(stdout)

      const lines = stdout.trimEnd().split('\n')
      expect(records).toHaveLength(2 * lines.length)
      for (const half of [records.slice(0, lines.length), records.slice(lines.length)]) {
        const [started, warning] = half
        expect(started).toMatchObject({ severityNumber: 9, body: 'service started' })
        expect(warning).toMatchObject({ severityNumber: 13, body: 'stock is low' })
        expect(warning!.attributes).toMatchObject({ order_id: 42, customer: { id: 7 } })
        expect(warning!.resource.attributes['service.name']).toBe('shop')
        const failed = half.find(({ body }) => body === 'could not charge')!
        expect(failed.severityNumber).toBe(17)
        expect(failed.attributes['exception.message']).toBe('charge failed: card declined')
        for (const { body, timeUnixNano, observedTimeUnixNano } of half) {
          expect([body, timeUnixNano > 0n && timeUnixNano <= observedTimeUnixNano]).toEqual([body, true])
        }
      }
    },
  )
}
