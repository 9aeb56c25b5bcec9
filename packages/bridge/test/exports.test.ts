import { readFileSync } from 'node:fs'
import * as bridge from '@logbridge/bridge'
import * as internal from '@logbridge/bridge/internal'
import { expect, test } from 'vitest'

/** Functions and values that an adapter needs. */
const VALUES = [
  'LogbridgeError',
  'bridgeOptionRules',
  'checkOptions',
  'copyFields',
  'createBridge',
  'createStreamEnd',
  'isError',
  'namedSeverity',
  'now',
  'numericSeverity',
  'oneOf',
  'rules',
  'safeGet',
  'severityTable',
  'splitArguments',
  'toAnyValue',
  'toHrTime',
  'unknownLevel',
]
/** Types of their parameters and results. */
const TYPES = [
  'Adapter',
  'AnyValue',
  'AnyValueMap',
  'Bridge',
  'BridgeOptions',
  'Classified',
  'HrTime',
  'LogRecord',
  'LogbridgeErrorCode',
  'LoggerProvider',
  'OptionRule',
  'PlainRecord',
  'SerializedError',
  'SeverityNumber',
  'SeverityScale',
  'StreamEnd',
]

test('@logbridge/bridge exports the names that an adapter needs, and no others', () => {
  expect(Object.keys(bridge).toSorted()).toEqual(VALUES)
  const types = readFileSync(new URL('index.d.ts', import.meta.resolve('@logbridge/bridge')), 'utf8')
  const names = [...types.matchAll(/export \{([^}]*)\}/g)].flatMap(([, list]) =>
    list!.split(',').map((name) => name.trim().replace(/^(?:type )?(?:\w+ as )?/, '')),
  )
  expect(names.toSorted()).toEqual([...VALUES, ...TYPES].toSorted())
})

test('@logbridge/bridge and its internal entry point export the same functions and classes', () => {
  expect({ ...internal }).toMatchObject({ ...bridge })
  expect(internal.LogbridgeError).toBe(bridge.LogbridgeError)
})

test('the README of the bridge documents each exported function and value', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  expect(VALUES.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
})
