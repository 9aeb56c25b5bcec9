import { LogbridgeError } from '@logbridge/bridge'
import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import type { ResourceOptions } from '../../src/config/options.ts'
import { resolveResource } from '../../src/config/resource.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'

const warnings = capturedWarnings()

async function attributes(
  options: ResourceOptions,
  env: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const resource = resolveResource(options, env)
  await resource.waitForAsyncAttributes?.()
  return resource.attributes
}

test('resolveResource detects attributes when neither option nor variable is set', async () => {
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

test('resolveResource prefers the later source when several set an attribute', async () => {
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
  expect(warnings).toEqual([])
})

test('resolveResource prefers a set attribute when a detector finds the attribute, too, even late', async () => {
  const resource = { 'host.name': 'h', 'host.id': 'i', 'service.instance.id': 's', 'process.pid': 1 }
  expect(await attributes({ resource })).toMatchObject(resource)
})

test('resolveResource keeps the detected attribute when the option is undefined', async () => {
  expect(await attributes({ resource: { 'host.name': undefined } })).toMatchObject({
    'host.name': hostname(),
  })
})

test.each([[{}], [null], [[{}]], [10n], [Symbol.iterator]])(
  'resolveResource throws an error when an attribute is invalid: %s',
  (value) => {
    expect(() => resolveResource({ resource: { 'my.tag': value as never } }, {})).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('option resource.my.tag is'),
      }),
    )
  },
)

test.each([{ resource: 'x' }, { serviceName: '' }, { resource: [] }])(
  'resolveResource throws an error when options are invalid: %j',
  (options) => {
    expect(() => resolveResource(options as never, {})).toThrow(LogbridgeError)
  },
)

test.each(['no-pair', '=x', 'a=%zz'])(
  'resolveResource ignores OTEL_RESOURCE_ATTRIBUTES with a warning when a pair is malformed: %s',
  async (text) => {
    const found = await attributes({}, { OTEL_RESOURCE_ATTRIBUTES: `ok=1,${text}` })
    expect(found['ok']).toBeUndefined()
    expect(warnings).toEqual([expect.stringContaining('OTEL_RESOURCE_ATTRIBUTES is ignored')])
  },
)

test.each([
  ['none', [], ['service.instance.id', 'host.name', 'os.type', 'process.pid']],
  ['host', ['host.name'], ['service.instance.id', 'os.type', 'process.pid']],
  ['os,process', ['os.type', 'process.pid'], ['host.name', 'service.instance.id']],
  ['serviceinstance', ['service.instance.id'], ['host.name']],
  ['service', ['service.instance.id'], ['host.name']],
  ['env', [], ['host.name', 'service.instance.id']],
  ['all', ['service.instance.id', 'host.name', 'os.type', 'process.pid'], []],
])(
  'resolveResource runs the named detectors when OTEL_NODE_RESOURCE_DETECTORS=%s',
  async (detectors, present, absent) => {
    const found = await attributes(
      {},
      { OTEL_NODE_RESOURCE_DETECTORS: detectors, OTEL_RESOURCE_ATTRIBUTES: 'a=b' },
    )
    expect(Object.keys(found)).toEqual(expect.arrayContaining(['a', 'service.name', ...present]))
    for (const name of absent) expect(found).not.toHaveProperty([name])
    expect(warnings).toEqual([])
  },
)

test('resolveResource ignores a detector with a warning when its name is unknown', async () => {
  expect(await attributes({}, { OTEL_NODE_RESOURCE_DETECTORS: 'container' })).toHaveProperty(['host.name'])
  expect(warnings).toEqual([expect.stringContaining("OTEL_NODE_RESOURCE_DETECTORS: 'container' is ignored")])
})

test('resolveResource keeps the instance id when a process calls it again', async () => {
  const [first, second] = [await attributes({}), await attributes({})]
  expect(second['service.instance.id']).toBe(first['service.instance.id'])
})
