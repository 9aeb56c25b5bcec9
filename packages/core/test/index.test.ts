import { expect, expectTypeOf, test } from 'vitest'
import { OtlpLogRecordProcessor } from '../src/index.ts'

test('OtlpLogRecordProcessor shows only the members of a LogRecordProcessor and stats when an application uses it', () => {
  type Members = 'enabled' | 'onEmit' | 'stats' | 'forceFlush' | 'shutdown'
  expectTypeOf<keyof OtlpLogRecordProcessor>().toEqualTypeOf<Members>()
  expect(Object.getOwnPropertyNames(OtlpLogRecordProcessor.prototype).toSorted()).toEqual([
    'constructor',
    'enabled',
    'forceFlush',
    'onEmit',
    'shutdown',
    'stats',
  ])
})
