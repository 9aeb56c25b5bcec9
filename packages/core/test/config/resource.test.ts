import { LogbridgeError } from '@logbridge/bridge'
import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import type { ResourceOptions } from '../../src/config/options.ts'
import { resolveResource } from '../../src/config/resource.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'

const made = capturedWarnings()

async function attributes(
  options: ResourceOptions,
  env: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const resource = resolveResource(options, env)
  await resource.waitForAsyncAttributes?.()
  return resource.attributes
}

test('what is known without being told', async () => {
  expect(await attributes({})).toMatchObject({
    'service.name': expect.stringMatching(/^unknown_service:/),
    'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'opentelemetry',
    'host.name': hostname(),
    'os.type': process.platform,
    'process.pid': process.pid,
  })
})

test('each source wins over the one before', async () => {
  const env: Record<string, string> = {}
  const serviceName = async (options: ResourceOptions): Promise<unknown> =>
    (await attributes(options, env))['service.name']
  expect(await serviceName({})).toMatch(/^unknown_service/)
  env['OTEL_RESOURCE_ATTRIBUTES'] = 'service.name=a,team=red%2C%20blue,host.name=h'
  expect(await serviceName({})).toBe('a')
  env['OTEL_SERVICE_NAME'] = 'b'
  expect(await serviceName({})).toBe('b')
  expect(await serviceName({ resource: { 'service.name': 'c' } })).toBe('c')
  expect(await serviceName({ resource: { 'service.name': 'c' }, serviceName: 'd' })).toBe('d')
  expect(await attributes({}, env)).toMatchObject({ team: 'red, blue', 'host.name': 'h' })
  expect(await attributes({ resource: { team: 'green', 'host.name': 'mine' } }, env)).toMatchObject({
    team: 'green',
    'host.name': 'mine',
  })
  expect(made).toEqual([])
})

test('what the user sets wins over what is detected, also where that is detected late', async () => {
  const resource = { 'host.name': 'h', 'host.id': 'i', 'service.instance.id': 's', 'process.pid': 1 }
  expect(await attributes({ resource })).toMatchObject(resource)
})

test('an attribute that is undefined is not set', async () => {
  expect(await attributes({ resource: { 'host.name': undefined } })).toMatchObject({
    'host.name': hostname(),
  })
})

test.each([[{}], [null], [[{}]], [10n], [Symbol.iterator]])(
  'a value that no resource can hold: %s',
  (value) => {
    expect(() => resolveResource({ resource: { 'my.tag': value as never } }, {})).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('option resource.my.tag is'),
      }),
    )
  },
)

test.each([{ resource: 'x' }, { serviceName: '' }, { resource: [] }])('bad options: %j', (options) => {
  expect(() => resolveResource(options as never, {})).toThrow(LogbridgeError)
})

test.each(['no-pair', '=x', 'a=%zz'])('OTEL_RESOURCE_ATTRIBUTES=%s is ignored as a whole', async (text) => {
  const found = await attributes({}, { OTEL_RESOURCE_ATTRIBUTES: `ok=1,${text}` })
  expect(found['ok']).toBeUndefined()
  expect(made).toEqual([expect.stringContaining('OTEL_RESOURCE_ATTRIBUTES is ignored')])
})

test.each([
  ['none', [], ['service.instance.id', 'host.name', 'os.type', 'process.pid']],
  ['host', ['host.name'], ['service.instance.id', 'os.type', 'process.pid']],
  ['os,process', ['os.type', 'process.pid'], ['host.name', 'service.instance.id']],
  ['serviceinstance', ['service.instance.id'], ['host.name']],
  ['service', ['service.instance.id'], ['host.name']],
  ['env', [], ['host.name', 'service.instance.id']],
  ['all', ['service.instance.id', 'host.name', 'os.type', 'process.pid'], []],
])('OTEL_NODE_RESOURCE_DETECTORS=%s', async (detectors, present, absent) => {
  const found = await attributes(
    {},
    { OTEL_NODE_RESOURCE_DETECTORS: detectors, OTEL_RESOURCE_ATTRIBUTES: 'a=b' },
  )
  expect(Object.keys(found)).toEqual(expect.arrayContaining(['a', 'service.name', ...present]))
  for (const name of absent) expect(found).not.toHaveProperty([name])
  expect(made).toEqual([])
})

test('an unknown detector is ignored with a warning', async () => {
  expect(await attributes({}, { OTEL_NODE_RESOURCE_DETECTORS: 'container' })).toHaveProperty(['host.name'])
  expect(made).toEqual([expect.stringContaining("OTEL_NODE_RESOURCE_DETECTORS: 'container' is ignored")])
})

test('one process keeps its instance id', async () => {
  const [first, second] = [await attributes({}), await attributes({})]
  expect(second['service.instance.id']).toBe(first['service.instance.id'])
})
