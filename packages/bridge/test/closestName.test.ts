import { expect, test } from 'vitest'
import { closestName } from '../src/closestName.ts'

const NAMES = ['endpoint', 'serviceName', 'directory', 'fsync', 'logs.spool', 'logs.maxQueueSize']

test.each([
  ['servicename', 'serviceName'],
  ['enpoint', 'endpoint'],
  ['endponit', 'endpoint'],
  ['dir', 'directory'],
  ['spool', 'logs.spool'],
  ['logs.maxQueSize', 'logs.maxQueueSize'],
  ['fs', undefined],
  ['colour', undefined],
  ['endpoint'.repeat(1e6), undefined],
])('closestName finds the name that is meant when a name is mistyped: %.20s', (mistyped, name) => {
  expect(closestName(mistyped, NAMES)).toBe(name)
})
