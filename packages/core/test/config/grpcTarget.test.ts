import { expect, test } from 'vitest'
import { parseGrpcTarget } from '../../src/config/grpcTarget.ts'

const at = (host: string, port: number) => ({ host, port })

test.each([
  ['http://collector:4317', [at('collector', 4317)]],
  ['http://collector', [at('collector', 80)]],
  ['https://collector', [at('collector', 443)]],
  ['HTTPS://Collector:1', [at('collector', 1)]],
  ['http://[::1]:4317', [at('::1', 4317)]],
  ['dns:collector', [at('collector', 443)]],
  ['dns:collector:4317', [at('collector', 4317)]],
  ['dns:///collector:4317', [at('collector', 4317)]],
  ['dns:///10.0.0.1:4317', [at('10.0.0.1', 4317)]],
  ['dns:///[2001:db8::1]:4317', [at('2001:db8::1', 4317)]],
  ['ipv4:10.0.0.1', [at('10.0.0.1', 443)]],
  ['ipv4:10.0.0.1:4317,10.0.0.2:4318', [at('10.0.0.1', 4317), at('10.0.0.2', 4318)]],
  ['ipv4:///10.0.0.1:4317', [at('10.0.0.1', 4317)]],
  ['ipv6:2001:db8::1', [at('2001:db8::1', 443)]],
  ['ipv6:[2001:db8::1]:4317,[::1]:1', [at('2001:db8::1', 4317), at('::1', 1)]],
  ['unix:run/otel.sock', [{ path: 'run/otel.sock' }]],
  ['unix:/run/otel.sock', [{ path: '/run/otel.sock' }]],
  ['unix:///run/otel.sock', [{ path: '/run/otel.sock' }]],
])('parseGrpcTarget returns the addresses when the target is %s', (text, addresses) => {
  expect(parseGrpcTarget(text)).toEqual({ addresses, dnsServer: undefined })
})

test.each([
  ['dns://10.0.0.53/collector:4317', '10.0.0.53'],
  ['dns://10.0.0.53:5353/collector:4317', '10.0.0.53:5353'],
  ['dns://[2001:db8::53]:5353/collector:4317', '[2001:db8::53]:5353'],
])('parseGrpcTarget returns the DNS server when the target is %s', (text, dnsServer) => {
  expect(parseGrpcTarget(text)).toEqual({ addresses: [at('collector', 4317)], dnsServer })
})

test.each([
  'dns:',
  'dns:///',
  'dns:///collector:port',
  'dns:///collector:70000',
  'dns:///collector/path',
  'dns://ns.example.com/collector',
  'dns:///[collector]:1',
  'ipv4:collector:4317',
  'ipv4:10.0.0.1:4317,',
  'ipv4:[::1]:4317',
  'ipv4://10.0.0.53/10.0.0.1',
  'ipv6:10.0.0.1:4317',
  'ipv6:[::1',
  'unix:',
  'unix://host/run/otel.sock',
  'xds:///collector',
  'collector:4317',
])('parseGrpcTarget returns undefined when the target is %s', (text) => {
  expect(parseGrpcTarget(text)).toBeUndefined()
})
