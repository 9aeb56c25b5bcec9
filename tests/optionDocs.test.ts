import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { rootFolder } from '@logbridge/test-support/run'

const OPTIONS = readFileSync(join(rootFolder, 'packages/core/src/config/options.ts'), 'utf8')
const README = readFileSync(join(rootFolder, 'packages/core/README.md'), 'utf8')

const directory = mkdtempSync(join(tmpdir(), 'option-docs-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** Runs `docs:options --check` on texts of options.ts and README.md. Returns its complaints, without the name of the directory. */
function check(options: string, readme: string): string[] {
  const files = [join(directory, 'options.ts'), join(directory, 'README.md')] as const
  writeFileSync(files[0], options)
  writeFileSync(files[1], readme)
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--experimental-strip-types', '--no-warnings', 'tools/optionDocs.mjs', '--check', ...files],
    { cwd: rootFolder, encoding: 'utf8' },
  )
  expect(status).toBe(stderr === '' ? 0 : 1)
  return stderr.replaceAll(`${directory}/`, '').split('\n').filter(Boolean)
}

const OUTDATED = 'README.md differs from options.ts: run pnpm docs:options'

test('docs:options finds no difference when it compares docstrings, the table of options, and the README', () => {
  expect(check(OPTIONS, README)).toEqual([])
})

const CHANGES: [text: string, changed: string, problems: string[]][] = [
  [
    '@default 67108864 (64 MiB)',
    '@default 1 (64 MiB)',
    ['LogsOptions.maxQueueBytes has @default 1 (64 MiB); its table has 67108864'],
  ],
  [
    "@default 'cumulative'",
    "@default 'delta'",
    ["MetricsOptions.temporalityPreference has @default 'delta'; its table has 'cumulative'"],
  ],
  [
    '@env OTEL_BSP_SCHEDULE_DELAY',
    '@env OTEL_BSP_DELAY',
    ['TracesOptions.scheduledDelayMillis has @env OTEL_BSP_DELAY; its table has OTEL_BSP_SCHEDULE_DELAY'],
  ],
  [
    '  fsync?:',
    '  sync?:',
    ['SpoolOptions.fsync is not in options.ts', 'SpoolOptions.sync is not in optionTable.ts'],
  ],
  ['Timeout of one attempt', 'Deadline of one attempt', [OUTDATED]],
]

test('docs:options fails when a docstring differs from the table of options or from the README', () => {
  const changed = CHANGES.reduce((text, [before, after]) => text.replace(before, after), OPTIONS)
  const problems = CHANGES.flatMap(([, , expected]) => expected)
  expect(check(changed, README).toSorted()).toEqual(problems.toSorted())
})

test('docs:options fails when the README has no table of an interface', () => {
  const readme = README.replace(/<!-- options: MetricsOptions -->[^]*?<!-- end -->/, '')
  expect(check(OPTIONS, readme)).toEqual([
    'README.md has no table of MetricsOptions',
    'README.md has no table of PrometheusOptions',
  ])
})
