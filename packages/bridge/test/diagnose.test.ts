import { diag } from '@opentelemetry/api'
import { expect, test, vi } from 'vitest'
import { createBridge } from '../src/bridge.ts'
import { diagnose } from '../src/diagnose.ts'
import { adapter } from './adapter.ts'
import { diagMessages } from './diagMessages.ts'
import { memoryProvider } from './memoryProvider.ts'

const said = diagMessages()

test('a complaint is made once for each kind', () => {
  diagnose('a', 'first', new Error('why'))
  diagnose('a', 'again')
  diagnose('b', 'second')
  expect(said).toEqual(['logbridge: first: why', 'logbridge: second'])
})

test('it goes to stderr as well', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  diagnose('a', 'first')
  const written = write.mock.calls.map(([text]) => text)
  write.mockRestore()
  expect(written).toEqual(['logbridge: first\n'])
})

test('a diag logger that is itself bridged does not feed on it', () => {
  const loggerProvider = memoryProvider()
  const bridge = createBridge(adapter, { loggerProvider })
  const log = (): void => bridge.emit({ body: 'from diag' })
  diag.setLogger(
    { error: log, warn: log, info: log, debug: log, verbose: log },
    { suppressOverrideMessage: true },
  )
  diagnose('a', 'first')
  expect(loggerProvider.records).toEqual([])
  bridge.emit({ body: 'from the application' })
  expect(loggerProvider.records.map(({ body }) => body)).toEqual(['from the application'])
})

test('neither a diag logger that throws nor a reason that cannot be read is in its way', () => {
  const fail = (): never => {
    throw new Error('no')
  }
  diag.setLogger(
    { error: fail, warn: fail, info: fail, debug: fail, verbose: fail },
    { suppressOverrideMessage: true },
  )
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  expect(() => diagnose('a', 'first', proxy)).not.toThrow()
})
