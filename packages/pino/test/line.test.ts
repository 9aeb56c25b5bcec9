import { describe, expect, test } from 'vitest'
import { createLine, readPrefix } from '../src/line.ts'

describe('readPrefix', () => {
  test.each([
    ['letters', 'a'],
    ['escapes', String.raw`\n`],
    ['quotes', String.raw`\"`],
  ])('reads a field when its text has 32 million characters, %s', (_, part) => {
    const value = `"${part.repeat(32_000_000 / part.length)}"`
    const { level, other, time, end } = readPrefix(
      createLine(`{"kind":${value},"level":30,"time":1,"a":2}`, 30),
    )
    expect(other?.value === value).toBe(true)
    expect({ level: level?.value, time: time?.value, end }).toEqual({
      level: '30',
      time: '1',
      end: value.length + '{"kind":,"level":30,"time":1'.length,
    })
  })
})
