/**
 * Checks that each regular expression of all packages takes linear time, whatever text it meets: `pnpm lint:regex`.
 *
 * A regular expression that is bounded by something else, or made of parts that are not known here, has a comment above its
 * statement that begins with `regex-bounded:` and says why.
 *
 *   node tools/lintRegex.mjs [FILE...]
 */
import { globSync, readFileSync } from 'node:fs'
import ts from 'typescript'

// Its build in JavaScript: the others are a native program and one for Java.
process.env.RECHECK_BACKEND = 'pure'
const { checkSync } = await import('recheck')

const BOUNDED = 'regex-bounded:'
/** What has a lookaround is tried with random texts: the same ones each time. */
const OPTIONS = { timeout: 60_000, randomSeed: 1 }

const given = process.argv.slice(2)
const files = given.length > 0 ? given : globSync('packages/*/src/**/*.ts')
/** What was found out about a regular expression, by its text: some are there several times. */
const found = new Map()
let checked = 0

for (const file of files) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
  visit(source)

  function visit(node) {
    const regex = regexOf(node)
    if (regex !== undefined && !isBounded(node)) {
      const problem = regex === 'unknown' ? 'is made of parts that are not known here' : problemOf(regex)
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

  /** Whether the comments above the statement, or the member of a class, say why. */
  function isBounded(node) {
    let outer = node
    while (!ts.isStatement(outer) && !ts.isClassElement(outer)) outer = outer.parent
    const comments = ts.getLeadingCommentRanges(source.text, outer.getFullStart()) ?? []
    return comments.some(({ pos, end }) => source.text.slice(pos, end).includes(BOUNDED))
  }
}
if (process.exitCode) {
  console.error(`\nWrite it so that it is linear, or say above it why it is bounded: /* ${BOUNDED} … */`)
} else {
  console.log(`${checked} regular expressions are linear.`)
}

/** `/a/u` as its source and flags; 'unknown' for `new RegExp` of anything but a text. */
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
  if (!found.has(key)) found.set(key, check(source, flags))
  return found.get(key)
}

function check(source, flags) {
  const { status, complexity, attack, error } = checkSync(source, flags, OPTIONS)
  if (status === 'safe') return undefined
  if (status === 'unknown') return `could not be checked: ${error?.kind}`
  return `takes ${complexity.summary} time, as for ${attack.pattern}`
}
