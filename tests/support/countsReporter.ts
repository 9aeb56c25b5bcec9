import { markdownTable } from 'markdown-table'
import type { Reporter, TestModule } from 'vitest/node'
import type { FaultCounts } from './faultCounts.ts'

const COLUMNS = ['fault', 'created', 'delivered', 'rejected', 'dropped', 'queued', 'in flight', 'other']

/** Prints one table with a row for each call of `reportCounts`. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    // Modules end in any order, so they are sorted.
    const rows = modules
      .toSorted((a, b) => a.moduleId.localeCompare(b.moduleId))
      .flatMap((module) => [...module.children.allTests()])
      .flatMap((test) => test.meta().faultCounts ?? [])
      .map(rowOf)
    if (rows.length === 0) return
    const align = ['l', 'r', 'r', 'r', 'l', 'r', 'r', 'l']
    process.stdout.write(`\nCounts of each fault:\n\n${markdownTable([COLUMNS, ...rows], { align })}\n\n`)
  }
}

function rowOf({ name, stats, extra }: FaultCounts): string[] {
  const { created, recovered, delivered, rejected, dropped, queued, inFlight } = stats
  const other = recovered ? { recovered, ...extra } : extra
  return [name, created, delivered, rejected, format(dropped), queued, inFlight, format(other)].map(String)
}

function format(counts: Readonly<Record<string, number | string>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}
