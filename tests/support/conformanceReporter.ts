import { writeFile } from 'node:fs/promises'
import { markdownTable } from 'markdown-table'
import type { Reporter, TestModule } from 'vitest/node'

/** Test of the conformance suite, parsed from its name. */
interface Cell {
  adapter: string
  provider: string
  behavior: string
  reason: string | undefined
  passed: boolean
}

/** Pattern of the test names of `conformance`. */
const NAME =
  /^(?<adapter>[\w.@ ]+) to (?<provider>.+?): (?<behavior>[a-z]+\.\w+)(?: \(unsupported: (?<reason>.+)\))?$/s

const INTRODUCTION = `# Conformance

Each behavior of the [mapping](mapping.md), tested with each adapter on its real library, through each provider. \`pnpm conformance\`
writes this page; \`pnpm test\` runs the same tests.

A number refers to a note below the table: a limit of the library that the adapter declares. The test of a declared limit must fail,
so that an outdated note fails the suite. \`plain\` is the smallest possible adapter; it runs in memory only.
`

/** Prints the conformance suite as a table of adapters, behaviors, and providers, or writes the table to a file. */
export default class ConformanceReporter implements Reporter {
  readonly #file: string | undefined

  /**
   * @param options.file path of the file to write
   * @default options.file prints the table
   */
  constructor(options: { file?: string } = {}) {
    this.#file = options.file
  }

  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    // Modules end in any order, so they are sorted.
    const cells = modules.toSorted((a, b) => a.moduleId.localeCompare(b.moduleId)).flatMap(cellsOf)
    if (cells.length === 0) return
    if (this.#file === undefined) process.stdout.write(`\n${describe(cells)}`)
    else await writeFile(this.#file, `${INTRODUCTION}\n${describe(cells)}`)
  }
}

function cellsOf(module: TestModule): Cell[] {
  const cells: Cell[] = []
  for (const test of module.children.allTests()) {
    const found = NAME.exec(test.name)?.groups
    const { state } = test.result()
    if (found === undefined || state === 'pending') continue
    const { adapter, provider, behavior, reason } = found as Record<string, string>
    cells.push({
      adapter: adapter!,
      provider: provider!,
      behavior: behavior!,
      reason,
      passed: state === 'passed',
    })
  }
  return cells
}

function describe(cells: readonly Cell[]): string {
  const notes: string[] = []
  const adapters = unique(cells.map(({ adapter }) => adapter)).toSorted()
  const byAdapter = Map.groupBy(cells, ({ adapter }) => adapter)
  const rows = unique(cells.map(({ behavior }) => behavior)).map((behavior) => [
    behavior,
    ...adapters.map((adapter) => {
      const providers = unique(byAdapter.get(adapter)!.map(({ provider }) => provider))
      const ofBehavior = byAdapter.get(adapter)!.filter((cell) => cell.behavior === behavior)
      return describeCell(providers, ofBehavior, notes)
    }),
  ])
  return [
    describeProviders(cells, adapters),
    markdownTable([['behavior', ...adapters], ...rows]),
    notes.map((note, index) => `${index + 1}. ${note}`).join('\n'),
    '',
  ].join('\n\n')
}

/** Builds a table with the number of supported behaviors of each adapter through each provider. */
function describeProviders(cells: readonly Cell[], adapters: readonly string[]): string {
  const rows = unique(cells.map(({ provider }) => provider)).map((provider) => [
    provider,
    ...adapters.map((adapter) => {
      const ofBoth = cells.filter((cell) => cell.provider === provider && cell.adapter === adapter)
      if (ofBoth.length === 0) return ''
      const supported = ofBoth.filter(({ passed, reason }) => passed && reason === undefined).length
      return `${supported} of ${ofBoth.length}`
    }),
  ])
  return markdownTable([['through', ...adapters], ...rows])
}

/** Returns `yes` for a behavior that is supported through every provider, else its problems and numbers of notes. */
function describeCell(providers: readonly string[], cells: readonly Cell[], notes: string[]): string {
  const missing = providers.filter((provider) => cells.every((cell) => cell.provider !== provider))
  const failed = cells.filter(({ passed }) => !passed).map(({ provider }) => provider)
  const problems = [
    ...missing.map((provider) => `not run: ${provider}`),
    ...failed.map((provider) => `failed: ${provider}`),
  ]
  const reasons = Map.groupBy(
    cells.filter(({ reason }) => reason !== undefined),
    ({ reason }) => reason!,
  )
  for (const [reason, unsupported] of reasons) {
    const where =
      unsupported.length === providers.length
        ? ''
        : `${unsupported.map(({ provider }) => provider).join(', ')}: `
    const note = `${where}${reason}`
    if (!notes.includes(note)) notes.push(note)
    problems.push(`${where && 'yes, but '}${notes.indexOf(note) + 1}`)
  }
  return problems.join('; ') || 'yes'
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}
