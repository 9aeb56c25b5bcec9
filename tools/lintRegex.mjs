/**
 * Checks that each regular expression of all packages takes linear time for any text: `pnpm lint:regex`.
 *
 * A regular expression that is bounded in another way, or built at run time, needs a comment above its statement that begins with
 * `regex-bounded:` and gives the reason.
 *
 *   node tools/lintRegex.mjs [FILE...]
 */
import { globSync, readFileSync } from 'node:fs'
import ts from 'typescript'

// Selects recheck's build in JavaScript instead of its native and Java programs.
process.env.RECHECK_BACKEND = 'pure'
const { checkSync } = await import('recheck')

const BOUNDED = 'regex-bounded:'
/** Fixes the seed of the random texts that test a regular expression with a lookaround. */
const OPTIONS = { timeout: 60_000, randomSeed: 1 }

const given = process.argv.slice(2)
const files = given.length > 0 ? given : globSync('packages/*/src/**/*.ts')
/** Problems by regular expression, because some occur several times. */
const problems = new Map()
let checked = 0

for (const file of files) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
  visit(source)

  function visit(node) {
    const regex = regexOf(node)
    if (regex !== undefined && !isBounded(node)) {
      const problem = regex === 'unknown' ? 'is built at run time' : problemOf(regex)
      if (problem !== undefined) report(node, problem)
      checked += 1
    }
    ts.forEachChild(node, visit)
  }

  function report(node, problem) {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart())
    console.error(`${file}:${line + 1}: ${node.getText()} ${problem}`)
    process.exitCode = 1
  }

  /** Returns true when a comment above the statement or class member has the reason. */
  function isBounded(node) {
    let outer = node
    while (!ts.isStatement(outer) && !ts.isClassElement(outer)) outer = outer.parent
    const comments = ts.getLeadingCommentRanges(source.text, outer.getFullStart()) ?? []
    return comments.some(({ pos, end }) => source.text.slice(pos, end).includes(BOUNDED))
  }
}
if (process.exitCode) {
  console.error(`\nMake the regular expression linear, or add the reason above: /* ${BOUNDED} … */`)
} else {
  console.log(`${checked} regular expressions are linear.`)
}

/** Returns source and flags of a regular expression, or 'unknown' for `new RegExp` with anything but literals. */
function regexOf(node) {
  if (ts.isRegularExpressionLiteral(node)) {
    const end = node.text.lastIndexOf('/')
    return { source: node.text.slice(1, end), flags: node.text.slice(end + 1) }
  }
  const isCall = ts.isNewExpression(node) || ts.isCallExpression(node)
  if (!isCall || node.expression.getText() !== 'RegExp') return undefined
  const [source, flags] = node.arguments ?? []
  const isKnown = source && ts.isStringLiteralLike(source) && (!flags || ts.isStringLiteralLike(flags))
  return isKnown ? { source: source.text, flags: flags?.text ?? '' } : 'unknown'
}

function problemOf({ source, flags }) {
  const key = `/${source}/${flags}`
  if (!problems.has(key)) problems.set(key, check(source, flags))
  return problems.get(key)
}

function check(source, flags) {
  const { status, complexity, attack, error } = checkSync(source, flags, OPTIONS)
  if (status === 'safe') return undefined
  if (status === 'unknown') return `could not be checked: ${error?.kind}`
  return `takes ${complexity.summary} time, as for ${attack.pattern}`
}
