import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('fixtures/spanFields.mjs', import.meta.url))

test.each([
  ['winston', 'default', 'trace_id', {}],
  ['winston', 'added by logHook', 'trace.id', { route: '/orders' }],
  ['bunyan', 'default', 'trace_id', {}],
  ['bunyan', 'added by logHook', 'trace.id', { route: '/orders' }],
  ['pino', 'default', 'trace_id', {}],
  ['pino', 'of logKeys', 'tid', {}],
  ['pino', 'added by logHook', 'trace.id', { route: '/orders' }],
])(
  'removeSpanFields removes the ids that the instrumentation of %s writes when their names are %s',
  (library, names, key, fields) => {
    const { printed, records } = JSON.parse(
      execFileSync(process.execPath, [program, library, names], { encoding: 'utf8' }),
    )
    // The instrumentation writes the ids for what the library itself prints.
    expect(printed).toContain(`"${key}":"${'a'.repeat(32)}"`)
    expect(records).toMatchObject([
      { body: 'placed', traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 },
    ])
    expect(records[0].attributes).toEqual({ orderId: 42, ...fields })
  },
)
