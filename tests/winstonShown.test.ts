import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import winston, { type Logform } from 'winston'
import { memoryBackend } from '@logbridge/bridge/conformance'
import { OtelTransport } from '@logbridge/winston'
import { value } from '@logbridge/test-support/values'

const { format } = winston

/** Returns the attributes without stack frames. Throws when winston cannot print the field. */
async function attributesWith(logFormat: Logform.Format, field: unknown): Promise<unknown> {
  const session = await memoryBackend.start()
  const transports = [new OtelTransport({ loggerProvider: session.loggerProvider })]
  winston.createLogger({ format: logFormat, transports }).info('x', { field })
  const [record] = await session.records()
  return withoutFrames(record!.attributes)
}

function withoutFrames(part: unknown): unknown {
  if (typeof part === 'string') return part.replace(/\n +at [^]*/, '')
  if (part instanceof Uint8Array) return Buffer.from(part).toString('hex')
  if (Array.isArray(part)) return part.map(withoutFrames)
  if (typeof part !== 'object' || part === null) return part
  return Object.entries(part).map(([key, inner]) => [key, withoutFrames(inner)])
}

test.each<[string, Logform.Format]>([
  [
    'json() with a replacer that hides nothing',
    format.json({ replacer: (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each) }),
  ],
  ['simple()', format.simple()],
  ['printf() of the message', format.printf(({ level, message }) => `${level}: ${String(message)}`)],
])(
  'winston transport sends equal attributes when the format is format.%s instead of format.json()',
  async (_, other) => {
    const samples = fc.asyncProperty(value, async (sample) => {
      let expected: unknown
      try {
        expected = await attributesWith(format.json(), sample()[0])
      } catch {
        return
      }
      expect(await attributesWith(other, sample()[0])).toEqual(expected)
    })
    await fc.assert(samples, { numRuns: 400 })
  },
)
