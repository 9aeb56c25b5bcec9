import { execFile } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { diag, DiagLogLevel } from '@opentelemetry/api'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createBridge } from '../src/bridge.ts'
import { warn, warnOnce, hideFromDiagnostics, rearm } from '../src/warnings.ts'
import { adapter } from './adapter.ts'
import { diagMessages } from './diagMessages.ts'
import { memoryProvider } from './memoryProvider.ts'

const warnings = diagMessages()

test('warnOnce warns once when a kind comes again', () => {
  warnOnce('a', 'first', new Error('why'))
  warnOnce('a', 'again')
  warnOnce('b', 'second')
  expect(warnings).toEqual(['logbridge: first: why', 'logbridge: second'])
})

test('warnOnce writes to stderr when there is a diag logger as well', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  warnOnce('a', 'first')
  const written = write.mock.calls.map(([text]) => text)
  write.mockRestore()
  expect(written).toEqual(['logbridge: first\n'])
})

test.each([
  ['prints to stderr', DiagLogLevel.WARN],
  ['prints errors alone', DiagLogLevel.ERROR],
])('warnOnce writes to stderr once when the diag logger %s', (_, logLevel) => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const print = (text: string): void => void process.stderr.write(`${text}\n`)
  const logger = { error: print, warn: print, info: print, debug: print, verbose: print }
  diag.setLogger(logger, { logLevel, suppressOverrideMessage: true })
  warnOnce('a', 'first')
  expect(write.mock.calls.map(([text]) => text)).toEqual(['logbridge: first\n'])
  expect(process.stderr.write).toBe(write)
})

test('warnOnce writes to stderr once when the diag logger is DiagConsoleLogger', async () => {
  const bridge = fileURLToPath(new URL('../dist/internal.js', import.meta.url))
  const api = import.meta.resolve('@opentelemetry/api')
  const code = `
    import { diag, DiagConsoleLogger, DiagLogLevel } from '${api}'
    import { warnOnce } from '${pathToFileURL(bridge).href}'
    diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN)
    warnOnce('a', 'first')`
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code])
  expect(stderr).toBe('logbridge: first\n')
})

test('warnOnce causes no record when the diag logger is bridged', () => {
  const loggerProvider = memoryProvider()
  const bridge = createBridge(adapter, { loggerProvider })
  const log = (): void => bridge.emit({ body: 'from diag' })
  diag.setLogger(
    { error: log, warn: log, info: log, debug: log, verbose: log },
    { suppressOverrideMessage: true },
  )
  warnOnce('a', 'first')
  expect(loggerProvider.records).toEqual([])
  bridge.emit({ body: 'from the application' })
  expect(loggerProvider.records.map(({ body }) => body)).toEqual(['from the application'])
})

test('warnOnce does not throw when a diag logger throws and the error cannot be read', () => {
  const fail = (): never => {
    throw new Error('no')
  }
  diag.setLogger(
    { error: fail, warn: fail, info: fail, debug: fail, verbose: fail },
    { suppressOverrideMessage: true },
  )
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  expect(() => warnOnce('a', 'first', proxy)).not.toThrow()
})

test('warn writes one line when an error has the text of another', () => {
  const forged = 'no\r\nlogbridge: all is well\u001b[2J\u202e\u2028\u0085\u009b\ud800\u200b.'
  warn('first', new Error(forged))
  warn(`of a path ${forged}`)
  expect(warnings).toEqual([
    'logbridge: first: no logbridge: all is well [2J .',
    'logbridge: of a path no logbridge: all is well [2J .',
  ])
})

test('warn cuts the text of an error, and hides its secrets, when the error is long', () => {
  onTestFinished(hideFromDiagnostics((text) => text.replaceAll('hunter2', '***')))
  warn('hunter2', new Error(`hunter2 ${'x'.repeat(1e6)}`))
  expect(warnings[0]).toHaveLength('logbridge: '.length + 2000)
  expect(warnings[0]).toMatch(/^logbridge: hunter2: \*{3} x+$/)
})

test('warnOnce warns again when its fault has ended a minute after the last warning', () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(1000)
  onTestFinished(() => clock.mockRestore())
  warnOnce('a', 'first')
  clock.mockReturnValue(60_999)
  rearm('a')
  warnOnce('a', 'too soon')
  clock.mockReturnValue(61_000)
  warnOnce('a', 'it has not ended')
  rearm('a')
  warnOnce('a', 'again')
  expect(warnings).toEqual(['logbridge: first', 'logbridge: again'])
})
