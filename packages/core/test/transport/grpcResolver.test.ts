import dns from 'node:dns'
import { expect, onTestFinished, test, vi } from 'vitest'
import { parseGrpcTarget } from '../../src/config/grpcTarget.ts'
import { GrpcResolver } from '../../src/transport/grpcResolver.ts'
import { startNameServer } from './nameServer.ts'

/** Starts a name server, and creates a resolver that asks it. */
async function start(addresses: readonly string[]) {
  const names = await startNameServer(addresses)
  onTestFinished(() => names.close())
  const target = parseGrpcTarget(`dns://127.0.0.1:${names.port}/collector.test:4317`)!
  return { names, resolver: new GrpcResolver(target, true) }
}

/** Sets the monotonic clock. */
function clock(): { advance(millis: number): void } {
  let time = performance.now()
  vi.spyOn(performance, 'now').mockImplementation(() => time)
  onTestFinished(() => void vi.restoreAllMocks())
  return { advance: (millis) => (time += millis) }
}

const hosts = async (resolver: GrpcResolver): Promise<string[]> =>
  (await resolver.resolve()).map((address) => ('host' in address ? `${address.host}:${address.port}` : ''))

test('GrpcResolver returns each address of the name once, and keeps them, when the connections stay', async () => {
  const { names, resolver } = await start(['127.0.0.1', '127.0.0.2', '127.0.0.1'])
  expect(await hosts(resolver)).toEqual(['127.0.0.1:4317', '127.0.0.2:4317'])
  names.addresses = ['127.0.0.3']
  expect(await hosts(resolver)).toEqual(['127.0.0.1:4317', '127.0.0.2:4317'])
})

test('GrpcResolver looks the name up again after a second when a connection has ended or failed', async () => {
  const { advance } = clock()
  const { names, resolver } = await start(['127.0.0.1'])
  await resolver.resolve()
  names.addresses = ['127.0.0.2']
  resolver.expire(false)
  expect(await hosts(resolver)).toEqual(['127.0.0.1:4317'])
  advance(1000)
  expect(resolver.isExpired).toBe(true)
  expect(await hosts(resolver)).toEqual(['127.0.0.2:4317'])
  expect(resolver.isExpired).toBe(false)
})

test('GrpcResolver looks the name up at once when a connection is silent', async () => {
  const { names, resolver } = await start(['127.0.0.1'])
  await resolver.resolve()
  names.addresses = ['127.0.0.2']
  resolver.expire(true)
  expect(await hosts(resolver)).toEqual(['127.0.0.2:4317'])
})

test('GrpcResolver keeps the addresses when the name cannot be looked up again', async () => {
  const { advance } = clock()
  const { names, resolver } = await start(['127.0.0.1'])
  await resolver.resolve()
  names.addresses = []
  resolver.expire(true)
  expect(await hosts(resolver)).toEqual(['127.0.0.1:4317'])
  names.addresses = ['127.0.0.2']
  advance(1000)
  expect(await hosts(resolver)).toEqual(['127.0.0.2:4317'])
})

test('GrpcResolver throws the error of the lookup when the name has no address', async () => {
  const { names, resolver } = await start([])
  await expect(resolver.resolve()).rejects.toThrow('collector.test')
  names.addresses = ['127.0.0.1']
  expect(await hosts(resolver)).toEqual(['127.0.0.1:4317'])
})

test('GrpcResolver looks the name up once when several requests wait', async () => {
  const lookup = vi.spyOn(dns.promises, 'lookup')
  onTestFinished(() => void vi.restoreAllMocks())
  const resolver = new GrpcResolver(parseGrpcTarget('http://localhost:4317')!, true)
  const found = await Promise.all([hosts(resolver), hosts(resolver)])
  expect(found[0]).toContain('127.0.0.1:4317')
  expect(lookup).toHaveBeenCalledTimes(1)
})

test.each([
  ['the target has addresses alone', 'ipv4:10.0.0.1:4317,10.0.0.2:4317', true],
  ['a proxy resolves the name', 'http://collector.test:4317', false],
])('GrpcResolver looks nothing up when %s', async (_, target, looksUp) => {
  const { addresses } = parseGrpcTarget(target)!
  const resolver = new GrpcResolver(parseGrpcTarget(target)!, looksUp)
  expect(await resolver.resolve()).toEqual(addresses)
  resolver.expire(true)
  expect(resolver.isExpired).toBe(false)
})
