import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { PYTHON, pythonModule, testWith } from './installed.ts'
import { startCommand, startReceiver } from './startCommand.ts'

// Programs log by the real libraries.

function program(library: string): string {
  return fileURLToPath(new URL(`programs/${library}_app.py`, import.meta.url))
}

for (const library of ['loguru', 'structlog', 'logbook', 'pythonjsonlogger']) {
  testWith(library, pythonModule(library))(
    `logbridge-pipe sends the records of ${library} when the program writes to its stdin, and when it starts the program`,
    async () => {
      const { env, records } = await startReceiver()
      const stdout = execFileSync(PYTHON, [program(library)])
      const reading = startCommand(['--service', 'shop'], env)
      expect(await reading.end(stdout)).toBe(0)
      expect(reading.stdout().equals(stdout)).toBe(true)
      const starting = startCommand(['--service', 'shop', '--', PYTHON, program(library)], env)
      expect(await starting.end()).toBe(0)
      expect(records).toHaveLength(4)
      for (const [warning, error] of [records.slice(0, 2), records.slice(2)]) {
        expect(warning).toMatchObject({ severityNumber: 13, body: 'stock is low for sofa' })
        expect(warning!.attributes['order_id']).toBe(42)
        expect(warning!.resource.attributes['service.name']).toBe('shop')
        expect(error).toMatchObject({
          severityNumber: 17,
          body: 'could not charge',
          traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
          spanId: '00f067aa0ba902b7',
        })
        const {
          'exception.type': type,
          'exception.message': message,
          'exception.stacktrace': stack,
        } = error!.attributes
        expect([type, message]).toEqual(['RuntimeError', 'charge of 1200 failed'])
        expect(stack).toMatch(/ValueError[^]*direct cause[^]*RuntimeError/)
      }
    },
  )
}
