import { markdownTable } from 'markdown-table'
import type { Reporter, TestModule } from 'vitest/node'
import type { Account } from './account.ts'

const COLUMNS = ['fault', 'created', 'delivered', 'rejected', 'dropped', 'queued', 'in flight', 'besides']

/** Prints the account of each fault as a row of one table: what tests gave to `reportAccount`. */
export default class AccountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    // They end in any order.
    const rows = modules
      .toSorted((a, b) => a.moduleId.localeCompare(b.moduleId))
      .flatMap((module) => [...module.children.allTests()])
      .flatMap((test) => test.meta().accounts ?? [])
      .map(rowOf)
    if (rows.length === 0) return
    const align = ['l', 'r', 'r', 'r', 'l', 'r', 'r', 'l']
    process.stdout.write(
      `\nThe account of each fault:\n\n${markdownTable([COLUMNS, ...rows], { align })}\n\n`,
    )
  }
}

function rowOf({ name, stats, extra }: Account): string[] {
  const { created, recovered, delivered, rejected, dropped, queued, inFlight } = stats
  const besides = recovered ? { recovered, ...extra } : extra
  return [name, created, delivered, rejected, listed(dropped), queued, inFlight, listed(besides)].map(String)
}

function listed(counts: Readonly<Record<string, number | string>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}
