import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { resolveLogs } from '../../src/config/config.ts'
import { resolved, thrownBy } from './resolved.ts'

const warnings = capturedWarnings()

describe('resolveSpool', () => {
  const directory = '/var/spool/app'
  const spool = (given: unknown): unknown => resolved('logs.spool', { logs: { spool: given as never } }, {})

  test('returns undefined when no directory is given', () => {
    expect(spool(undefined)).toBeUndefined()
    expect(spool({ directory })).toEqual({ directory, maxBytes: 1_073_741_824, fsync: false })
    expect(spool({ directory, maxBytes: 5, fsync: true })).toEqual({ directory, maxBytes: 5, fsync: true })
    expect(resolveLogs({ spool: { directory } }, {}).spool).toMatchObject({ directory })
    expect(warnings).toEqual([])
  })

  test('resolves the directory from the working directory when the directory is relative', () => {
    expect(spool({ directory: 'spool' })).toMatchObject({ directory: resolve('spool') })
  })

  test.each<[string, unknown]>([
    ['logs.spool.directory is not set', {}],
    ['logs.spool.directory is not set', { directory: undefined }],
    ['logs.spool.directory is', { directory: '' }],
    ['logs.spool.directory is', { directory: 5 }],
    ['logs.spool.directory is', { directory: 'a\0b' }],
    ['logs.spool.maxBytes is', { directory, maxBytes: 0 }],
    ['logs.spool.maxBytes is', { directory, maxBytes: '1 GiB' }],
    ['logs.spool.fsync is', { directory, fsync: 'yes' }],
    ['logs.spool is', '/var/spool/app'],
    ['logs.spool is', null],
    ['no option logs.spool.dir;', { dir: '/var/spool/app' }],
  ])('throws an error when the option is invalid: %s', (text, given) => {
    expect(thrownBy(() => spool(given)).message).toContain(text)
  })

  test('names the option without a signal when createLoggerProvider is called', () => {
    expect(thrownBy(() => resolveLogs({ spool: { directory: '' } }, {})).message).toContain(
      'option spool.directory',
    )
  })
})
