import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ReceivedLogRecord } from '@logbridge/viewer'
import { codeBlocks, createProgramRunner, type ProgramRunner } from '@logbridge/test-support/programs'

const document = await readFile(new URL('../docs/mapping.md', import.meta.url), 'utf8')
const examples = document
  .split(/^### /m)
  .slice(1)
  .map((section) => ({
    library: section.slice(0, section.indexOf('\n')),
    program: codeBlocks(section, 'js')[0]!,
    scopeLogs: codeBlocks(section, 'json')[0]!,
  }))

let programs: ProgramRunner
beforeAll(async () => {
  programs = await createProgramRunner()
})
afterAll(() => programs.close())

test('docs/mapping.md has an example for each library', () => {
  expect(examples.map(({ library }) => library)).toEqual(['winston', 'pino', 'bunyan', 'log4js', 'console'])
})

test.each(examples)(
  'docs/mapping.md shows the record of the $library example',
  async ({ program, scopeLogs }) => {
    const [arrived, ...more] = await programs.run(program)
    expect(more).toEqual([])
    expect(toScopeLogs(arrived!)).toEqual(JSON.parse(scopeLogs))
  },
)

/** Converts a record to the form of the page, with fixed times and without stack frames. */
function toScopeLogs({ raw, scope, severityNumber }: ReceivedLogRecord): unknown {
  const message = raw as { toJSON?(): object }
  // protobufjs converts enum values to names, but OTLP/JSON has numbers.
  const text = JSON.stringify({
    scope: { name: scope.name },
    logRecords: [{ ...message.toJSON?.(), severityNumber }],
  })
  return JSON.parse(text, (key, value: unknown) => {
    if (/timeUnixNano$/i.test(key)) return '1790000000000000000'
    return typeof value === 'string' ? value.replaceAll(/(\n {4}at [^\n]*)+/g, '\n    at …') : value
  })
}
