/**
 * Writes the option tables of `packages/core/README.md` from the docstrings of `options.ts`: `pnpm docs:options`.
 * Fails when a docstring and `optionTable.ts` differ in options, variables, or defaults.
 *
 *   node --experimental-strip-types tools/optionDocs.mjs [--check] [OPTIONS_FILE] [README_FILE]
 *
 * `--check` compares and writes nothing. In the README, `<!-- options: LogsOptions -->` to `<!-- end -->` is a table with the
 * options of that interface, and `<!-- variables: logs -->` to `<!-- end -->` is a table of variables without an option.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import ts from 'typescript'
import * as tables from '../packages/core/src/config/optionTable.ts'

const args = process.argv.slice(2)
const check = args[0] === '--check'
const [optionsFile = 'packages/core/src/config/options.ts', readmeFile = 'packages/core/README.md'] =
  args.slice(check ? 1 : 0)

/** The table of each interface with options. */
const TABLES = {
  ExporterOptions: tables.exporterTable('logs'),
  TlsOptions: tables.tlsTable('logs'),
  ResourceOptions: tables.RESOURCE,
  ShutdownOptions: tables.SHUTDOWN,
  LogsOptions: tables.LOGS,
  LogLimitsOptions: tables.LOG_LIMITS,
  SpoolOptions: tables.SPOOL,
  FileOptions: tables.FILE,
  RegistrationOptions: tables.REGISTRATION,
  TracesOptions: tables.TRACES,
  SpanLimitsOptions: tables.SPAN_LIMITS,
  MetricsOptions: tables.METRICS,
  PrometheusOptions: tables.PROMETHEUS,
  SignalOptions: tables.SIGNALS,
}

const VARIABLES = {
  logs: [tables.LOGS_EXPORTER],
  traces: [tables.TRACES_EXPORTER],
  metrics: [tables.METRICS_EXPORTER, tables.HISTOGRAM_AGGREGATION],
  grpc: [tables.GRPC_ROOTS_FILE, tables.GRPC_CIPHERS],
  general: [tables.RESOURCE_DETECTORS, tables.PROPAGATORS, tables.SDK_DISABLED, tables.LOG_LEVEL],
}

const interfaces = readInterfaces(optionsFile)
for (const [name, options] of interfaces) if (options.length > 0 || name in TABLES) compare(name, options)
for (const name of Object.keys(TABLES))
  if (!interfaces.has(name)) fail(`${name} is no interface of ${optionsFile}`)

/** Interfaces that the README has in a table. */
const shown = new Set()
const readme = readFileSync(readmeFile, 'utf8')
const written = readme.replaceAll(
  /(<!-- (options|variables): (\w+) -->\n)[^]*?(<!-- end -->)/g,
  (_, begin, subject, name, end) =>
    `${begin}\n${subject === 'options' ? optionTable(name) : variableTable(name)}\n${end}`,
)
for (const name of Object.keys(TABLES)) if (!shown.has(name)) fail(`${readmeFile} has no table of ${name}`)
if (written === readme) {
  if (!process.exitCode) console.log(`${readmeFile} has the options of ${optionsFile}.`)
} else if (check) fail(`${readmeFile} differs from ${optionsFile}: run pnpm docs:options`)
else writeFileSync(readmeFile, written)

/** Reads the properties of each interface, with their docstrings. */
function readInterfaces(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
  return new Map(
    source.statements
      .filter((statement) => ts.isInterfaceDeclaration(statement))
      .map(({ name, members }) => [name.text, members.map((member) => readOption(member, source))]),
  )
}

function readOption(member, source) {
  const [doc] = member.jsDoc ?? []
  const tags = new Map()
  for (const { tagName, comment } of doc?.tags ?? []) tags.set(tagName.text, textOf(comment))
  return {
    name: member.name.text,
    required: member.questionToken === undefined,
    type: member.type.getText(source),
    text: textOf(doc?.comment).split(/\n\s*\n/, 1)[0],
    variables: (tags.get('env') ?? '').split(', ').filter((variable) => variable !== ''),
    default: tags.get('default'),
  }
}

function textOf(comment) {
  return (ts.getTextOfJSDocComment(comment) ?? '').replaceAll(/\n(?!\s*\n)(?<!\n\n)/g, ' ').trim()
}

/** Compares the docstrings of an interface with its table. */
function compare(name, options) {
  const table = TABLES[name]
  if (table === undefined) return fail(`${name} has no table in optionTable.ts`)
  const documented = new Set(options.map((option) => option.name))
  for (const row of Object.keys(table))
    if (!documented.has(row)) fail(`${name}.${row} is not in ${optionsFile}`)
  for (const option of options) {
    const path = `${name}.${option.name}`
    const row = table[option.name]
    if (row === undefined) fail(`${path} is not in optionTable.ts`)
    else if (option.text === '') fail(`${path} has no text`)
    else {
      const variables = row.variables
        .map((variable) => variable.replace('_LOGS_', '_{LOGS,TRACES,METRICS}_'))
        .join(', ')
      const isOfExporter = name === 'ExporterOptions' || name === 'TlsOptions'
      const expected = isOfExporter ? variables : row.variables.join(', ')
      if (option.variables.join(', ') !== expected) {
        fail(`${path} has @env ${option.variables.join(', ')}; its table has ${expected}`)
      }
      compareDefault(path, option, row.default)
    }
  }
}

/** A default that is a literal opens `@default`, which may go on with an explanation. Another default has words alone. */
function compareDefault(path, option, value) {
  if (option.required) return
  if (option.default === undefined) return fail(`${path} has no @default`)
  const literal = tableLiteral(value)
  const given = literalOf(option.default)
  if (given !== literal)
    fail(`${path} has @default ${option.default}; its table has ${literal ?? 'no literal'}`)
}

function tableLiteral(value) {
  if (typeof value === 'string') return `'${value}'`
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

function literalOf(text) {
  return /^(?:\d+|Infinity|true|false|'[^']*')(?![\w.])/.exec(text)?.[0]
}

function optionTable(name) {
  if (!interfaces.has(name)) fail(`${readmeFile} names ${name}, which is no interface of ${optionsFile}`)
  return `| option | meaning | variable | default |\n| --- | --- | --- | --- |\n${optionRows(name)}`
}

/** Formats the options of an interface. The options of an object follow the option that is the object. */
function optionRows(name, prefix = '') {
  shown.add(name)
  return (interfaces.get(name) ?? [])
    .map((option) => {
      const nested = option.type.split(' | ').find((type) => type in TABLES && type !== name)
      const variables = option.variables.map((variable) => `\`${variable}\``).join(', ')
      const row = `| \`${prefix}${option.name}\` | ${option.text.replaceAll('|', String.raw`\|`)} | ${variables} | ${defaultText(option)} |\n`
      return nested === undefined || option.type.startsWith('false')
        ? row
        : row + optionRows(nested, `${prefix}${option.name}.`)
    })
    .join('')
}

function defaultText(option) {
  if (option.required) return 'required'
  const text = option.default ?? ''
  const literal = literalOf(text)
  return literal === undefined ? text : `\`${literal}\`${text.slice(literal.length)}`
}

function variableTable(name) {
  const rows = VARIABLES[name].map((variable) => {
    const words =
      variable.words === undefined
        ? ''
        : ` ${[...variable.words, 'none'].map((word) => `\`${word}\``).join(', ')}.`
    const standard = variable.default === undefined ? 'none' : `\`${[variable.default].flat().join(',')}\``
    return `| \`${variable.name}\` | ${variable.text}${words} | ${standard} |\n`
  })
  return `| variable | meaning | default |\n| --- | --- | --- |\n${rows.join('')}`
}

function fail(problem) {
  console.error(problem)
  process.exitCode = 1
}
