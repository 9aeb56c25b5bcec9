import { writeFile } from 'node:fs/promises'
import { markdownTable } from 'markdown-table'
import type { Reporter, TestModule } from 'vitest/node'

/** One test of the conformance suite, as its name says. */
interface Cell {
  adapter: string
  provider: string
  behavior: string
  reason: string | undefined
  passed: boolean
}

/** The names that `conformance` gives its tests. */
const NAME =
  /^(?<adapter>[\w.@ ]+) to (?<provider>.+?): (?<behavior>[a-z]+\.\w+)(?: \(unsupported: (?<reason>.+)\))?$/s

const INTRODUCTION = `# Conformance

Each behavior of the [mapping](mapping.md), tested with each adapter on its real library, through each provider. \`pnpm conformance\`
writes this page; \`pnpm test\` runs the same tests.

A number refers to a note below the table: a limit of the library, declared by the adapter. The test of a declared limit must fail,
so that a note which is no longer true fails the suite. \`plain\` is the smallest possible adapter; it runs in memory only.
`

/** Prints the conformance suite as a table of adapters, behaviors and providers, or writes it to a file. */
export default class ConformanceReporter implements Reporter {
  readonly #file: string | undefined

  /** @param options.file where to write the table; without one it is printed */
  constructor(options: { file?: string } = {}) {
    this.#file = options.file
  }

  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    // They end in any order.
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
      const there = byAdapter.get(adapter)!.filter((cell) => cell.behavior === behavior)
      return describeCell(providers, there, notes)
    }),
  ])
  return [
    describeProviders(cells, adapters),
    markdownTable([['behavior', ...adapters], ...rows]),
    notes.map((note, index) => `${index + 1}. ${note}`).join('\n'),
    '',
  ].join('\n\n')
}

/** How many behaviors each adapter has through each provider, and how many of them are declared unsupported. */
function describeProviders(cells: readonly Cell[], adapters: readonly string[]): string {
  const rows = unique(cells.map(({ provider }) => provider)).map((provider) => [
    provider,
    ...adapters.map((adapter) => {
      const there = cells.filter((cell) => cell.provider === provider && cell.adapter === adapter)
      if (there.length === 0) return ''
      const held = there.filter(({ passed, reason }) => passed && reason === undefined).length
      return `${held} of ${there.length}`
    }),
  ])
  return markdownTable([['through', ...adapters], ...rows])
}

/** `yes` where the behavior is there through every provider; the numbers of notes where it is not. */
function describeCell(providers: readonly string[], there: readonly Cell[], notes: string[]): string {
  const missing = providers.filter((provider) => there.every((cell) => cell.provider !== provider))
  const failed = there.filter(({ passed }) => !passed).map(({ provider }) => provider)
  const problems = [
    ...missing.map((provider) => `not run: ${provider}`),
    ...failed.map((provider) => `failed: ${provider}`),
  ]
  const reasons = Map.groupBy(
    there.filter(({ reason }) => reason !== undefined),
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
