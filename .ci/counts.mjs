// Reads the JSON report of a vitest run. Prints "<passed> <failed>", then one line for each failed test.
//   node counts.mjs <report>
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const passed = []
const failed = []
for (const { name, status, assertionResults } of testResults) {
  const file = relative(process.cwd(), name)
  for (const test of assertionResults) {
    if (test.status === 'passed') passed.push(test)
    if (test.status === 'failed') failed.push(`${file} > ${[...test.ancestorTitles, test.title].join(' > ')}`)
  }
  // A file that cannot be loaded, or whose hooks fail, fails without a failed test.
  const hasFailedTest = assertionResults.some((test) => test.status === 'failed')
  if (status === 'failed' && !hasFailedTest) failed.push(file)
}
const lines = [`${passed.length} ${failed.length}`, ...failed.map((title) => title.replaceAll(/\s+/g, ' '))]
process.stdout.write(`${lines.join('\n')}\n`)
