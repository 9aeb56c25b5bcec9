import { createMemoryLoggerProvider } from '@logbridge/bridge/testing'
import { context, logs, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { logs as logs2x } from '@opentelemetry/api-logs'
import { afterEach, expect, test } from 'vitest'
import { createBridge } from '../src/bridge.ts'

const provider = createMemoryLoggerProvider()
/** Bridge of an adapter whose native record is the body. */
const bridge = (options = {}) =>
  createBridge<unknown>(
    {
      library: 'shop',
      classify: () => ({ severityNumber: 9, severityText: 'info' }),
      convert: (body) => ({ body, attributes: { id: 7 } }),
    },
    options,
  )
afterEach(() => {
  logs.disable()
  logs2x.disable()
  provider.reset()
})

const PLACED = { body: 'placed', severityNumber: 9, severityText: 'info', attributes: { id: 7 } }

test('createMemoryLoggerProvider keeps the record of an adapter with the option loggerProvider', () => {
  bridge({ loggerProvider: provider }).emit('placed')
  expect(provider.records).toMatchObject([{ ...PLACED, scope: { name: 'shop' } }])
})

test.each([
  ['@opentelemetry/api', () => logs.setGlobalLoggerProvider(provider)],
  ['@opentelemetry/api-logs', () => logs2x.setGlobalLoggerProvider(provider)],
])('createMemoryLoggerProvider keeps records when registered with %s', (_, register) => {
  register()
  bridge().emit('placed')
  expect(provider.records).toMatchObject([PLACED])
})

test('createMemoryLoggerProvider keeps scope, span, and exception of a record of the Logs API', () => {
  logs.setGlobalLoggerProvider(provider)
  const span = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }
  logs.getLogger('orders', '1.2.3', { schemaUrl: 'https://example.com', attributes: { team: 'a' } }).emit({
    eventName: 'order.failed',
    exception: new RangeError('no'),
    context: trace.setSpanContext(ROOT_CONTEXT, span),
  })
  expect(provider.records).toMatchObject([
    {
      ...span,
      scope: {
        name: 'orders',
        version: '1.2.3',
        schemaUrl: 'https://example.com',
        attributes: { team: 'a' },
      },
      eventName: 'order.failed',
      severityNumber: 0,
      attributes: { 'exception.type': 'RangeError', 'exception.message': 'no' },
    },
  ])
  expect(context.active()).toBe(ROOT_CONTEXT)
})

test('createMemoryLoggerProvider keeps a record as it was when the application changes its values later', () => {
  const attributes = { user: { name: 'ada' } }
  provider.getLogger('orders').emit({ body: ['a'], attributes })
  attributes.user.name = 'eve'
  expect(provider.records[0]!.attributes).toEqual({ user: { name: 'ada' } })
})

test('reset removes the records', () => {
  bridge({ loggerProvider: provider }).emit('placed')
  const { records } = provider
  provider.reset()
  expect(provider.records).toBe(records)
  expect(records).toEqual([])
})

test.each([
  ['an exception that is no object', { exception: 42 }, { attributes: { 'exception.message': '42' } }],
  ['a list as exception', { exception: [1] }, { attributes: { 'exception.message': '[ 1 ]' } }],
  ['a severityNumber of NaN', { severityNumber: NaN }, { severityNumber: 0 }],
  ['a severityText that is a number', { severityText: 5 }, { severityText: '5' }],
  ['attributes that are text', { attributes: 'text' }, { attributes: {} }],
  ['a number as context', { context: 5 }, { traceId: undefined }],
])(
  'createMemoryLoggerProvider keeps a record as @logbridge/core sends it when the record has %s',
  (_, field, kept) => {
    provider.getLogger('orders').emit({ body: 'placed', ...(field as object) })
    expect(provider.records).toMatchObject([{ body: 'placed', ...kept }])
  },
)

test('createMemoryLoggerProvider keeps the other fields of a record when a getter throws', () => {
  const body = {
    get: () => {
      throw new Error('no')
    },
  }
  provider
    .getLogger('orders', '', null as never)
    .emit(Object.defineProperty({ severityNumber: 9 }, 'body', body))
  expect(provider.records).toMatchObject([{ severityNumber: 9, body: undefined }])
})
