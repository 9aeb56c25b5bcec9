/**
 * Finds words that the project no longer uses, by the list in `docs/old-words.txt`: `pnpm lint:words`.
 *
 *   node tools/lintWords.mjs [FILE...]
 *
 * Each line of the list has a scope and a pattern:
 * - `identifier NAME`: a name in code, in any position.
 * - `file PART`: a part of a path.
 * - `prose PHRASE`: words in any text, such as comments, messages, titles, and documents. Ignores case and line breaks.
 * - `start WORD`: the first word of a comment.
 * - `allow PATH WORD`: a word that a library uses as a name, in files whose path begins so.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import ts from 'typescript'

const LIST = 'docs/old-words.txt'
/** Files that name old words to explain or to test them. */
const EXEMPT = new Set([LIST, 'docs/glossary.md', 'CHANGELOG.md', 'tests/lintWords.test.ts'])
const CODE = /\.[cm]?[jt]sx?$/
const TEXT = /\.(?:[cm]?[jt]sx?|md|txt|json|jsonc|ya?ml|sh)$|(?:^|\/)run$/
const GENERATED = /(?:^|\/)(?:pnpm-lock\.yaml|package-lock\.json)$/

/** @type {{ identifier: Set<string>, file: string[], prose: string[], start: Set<string>, allow: string[] }} */
const patterns = { identifier: new Set(), file: [], prose: [], start: new Set(), allow: [] }
for (const line of readFileSync(LIST, 'utf8').split('\n')) {
  const [, scope, pattern] = /^(identifier|file|prose|start|allow) (.+)$/.exec(line) ?? []
  if (scope === 'identifier' || scope === 'start') patterns[scope].add(pattern)
  else if (scope !== undefined) patterns[scope].push(pattern)
  else if (line !== '' && !line.startsWith('#')) fail(`${LIST}: expected a scope and a pattern: ${line}`)
}
/** Matches any phrase, also across a line break with the sign that begins each line of a comment. */
const phrases = new RegExp(
  `(?<![\\w-])(?:${patterns.prose.map((phrase) => phrase.replaceAll(' ', String.raw`\s+(?:(?://|\*|#)\s+)?`)).join('|')})(?![\\w-])`,
  'gi',
)
/** Matches the first word of a block comment, or of consecutive line comments. */
const commentStart = /\/\*\*?\s+(?:\*\s+)?(\w+(?: same)?)|(?<!\/\/.*\n\s*)(?<=^|\s)\/\/ (\w+(?: same)?)/gm

const given = process.argv.slice(2)
const files =
  given.length > 0 ? given : execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n')
for (const file of files) if (TEXT.test(file) && !GENERATED.test(file) && !EXEMPT.has(file)) check(file)

if (process.exitCode) console.error('\ndocs/glossary.md and docs/style.md name the words to use.')
else console.log(`${files.length} files have none of the old words.`)

function check(file) {
  for (const part of patterns.file) if (file.includes(part)) fail(`${file}: its path has ${part}`)
  const text = readFileSync(file, 'utf8')
  for (const { 0: phrase, index } of text.matchAll(phrases)) report(file, text, index, phrase)
  if (!CODE.test(file)) return
  for (const { 1: block, 2: line, index } of text.matchAll(commentStart)) {
    const word = block ?? line
    if (patterns.start.has(word) || patterns.start.has(word.replace(/ same$/, ''))) {
      report(file, text, index, `comment starts with ${word}`)
    }
  }
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest)
  checkIdentifiers(source)

  function checkIdentifiers(node) {
    if ((ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) && patterns.identifier.has(node.text)) {
      report(file, text, node.end - node.text.length, node.text)
    }
    ts.forEachChild(node, checkIdentifiers)
  }
}

function report(file, text, index, found) {
  if (patterns.allow.some((allowed) => isAllowed(allowed, file, found))) return
  const line = text.slice(0, index).split('\n').length
  fail(`${file}:${line}: ${found.replace(/\s+/g, ' ')}`)
}

function isAllowed(allowed, file, found) {
  const [path, word] = allowed.split(' ')
  return file.startsWith(path) && found.toLowerCase() === word
}

function fail(problem) {
  console.error(problem)
  process.exitCode = 1
}
