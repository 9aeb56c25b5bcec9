import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { OtelTransport } from '../src/index.ts'
import { versions } from './versions.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** Own properties and prototypes of an object, each key with its value. */
function snapshot(object: object): Map<string, unknown> {
  const properties = new Map<string, unknown>()
  let depth = 0
  for (let holder: object | null = object; holder && holder !== Object.prototype; depth += 1) {
    for (const key of Reflect.ownKeys(holder)) {
      const { value, get } = Object.getOwnPropertyDescriptor(holder, key)!
      properties.set(`${depth} ${String(key)}`, get ?? value)
    }
    holder = Object.getPrototypeOf(holder) as object | null
  }
  return properties
}

function changedKeys(before: Map<string, unknown>, after: Map<string, unknown>): string[] {
  const keys = new Set([...before.keys(), ...after.keys()])
  return [...keys].filter((key) => !Object.is(before.get(key), after.get(key))).toSorted()
}

describe.each(versions)('%s', (_, winston) => {
  test('a logger has the patched methods of the README, and no others, when the transport is added', () => {
    const logger = winston.createLogger({ transports: [new winston.transports.Console({ silent: true })] })
    const before = snapshot(logger)
    logger.add(new OtelTransport())
    const changed = changedKeys(before, snapshot(logger))
    expect(changed).toEqual(['0 _transform', '0 push', '0 write'])
    for (const key of changed) expect(readme).toContain(`| \`logger.${key.slice(2)}\` |`)
  })

  test('a logger is patched once when two transports are added', () => {
    const logger = winston.createLogger({ transports: [new OtelTransport()] })
    const before = snapshot(logger)
    logger.add(new OtelTransport())
    expect(changedKeys(before, snapshot(logger))).toEqual([])
  })

  test('format.json() has a patched transform, and other formats have none, when the transport is added', () => {
    const formats = [winston.format.json(), winston.format.simple(), winston.format.timestamp()]
    winston.createLogger({ transports: [new OtelTransport()] })
    const names = formats.map(({ transform }) => transform.toString().includes('replacerUse'))
    expect(names).toEqual([true, false, false])
    expect(readme).toContain('| `transform` of `format.json()` |')
  })
})

test('format.prettyPrint() prints a symbol when a record carries its call under the symbol', () => {
  const [[, winston]] = versions as [(typeof versions)[0]]
  const info = { level: 'info', message: 'hello', [Symbol('call')]: 1 }
  const printed = winston.format.prettyPrint().transform(info, {})
  expect((printed as Record<symbol, string>)[Symbol.for('message')]).toContain('Symbol(call)')
})
