import { resolve } from 'node:path'
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import packageJson from '../../package.json' with { type: 'json' }
import { type Flag, SECTIONS, type Settings, UsageError } from './flags.ts'

/** Source of the lines. */
export type Source =
  | { readonly kind: 'stdin' }
  | { readonly kind: 'child'; readonly command: string; readonly args: readonly string[] }
  | { readonly kind: 'follow'; readonly patterns: readonly string[] }

/** Arguments of the command. */
export interface Arguments {
  readonly source: Source
  readonly settings: Settings
}

/** Width of the column with the options. */
const COLUMN = 32
const WIDTH = 120

const FLAGS: Readonly<Record<string, Flag>> = Object.assign({}, ...SECTIONS.map(({ flags }) => flags))

/**
 * Reads the arguments of the command.
 *
 * @returns the text to print, for `--help` and `--version`
 * @throws UsageError
 */
export function readArguments(given: readonly string[]): Arguments | string {
  const separator = given.indexOf('--')
  const own = separator < 0 ? given : given.slice(0, separator)
  const child = separator < 0 ? [] : given.slice(separator + 1)
  const { values, positionals } = parse(own)
  if (values['help'] === true) return help()
  if (values['version'] === true) return `${packageJson.version}\n`
  const settings: Settings = { line: {}, bridge: {}, delivery: {} }
  for (const [name, { apply }] of Object.entries(FLAGS)) {
    const value = values[name]
    if (value === undefined) continue
    for (const item of Array.isArray(value) ? value : [value]) apply(settings, String(item), `--${name}`)
  }
  const source = sourceOf(positionals, child, separator >= 0)
  if (source.kind !== 'follow') refuseFollowOptions(settings)
  return { source, settings }
}

function parse(args: readonly string[]) {
  const options: ParseArgsOptionsConfig = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'v' },
  }
  for (const [name, { value, multiple = false }] of Object.entries(FLAGS))
    options[name] = { type: value === undefined ? 'boolean' : 'string', multiple }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(`${(error as Error).message} See --help.`, { cause: error })
  }
}

function sourceOf(positionals: readonly string[], child: readonly string[], hasSeparator: boolean): Source {
  const [verb, ...rest] = positionals
  const [command, ...args] = child
  if (verb === undefined) {
    if (!hasSeparator) return { kind: 'stdin' }
    if (command === undefined) throw new UsageError('a command must follow --, e.g. -- python app.py')
    return { kind: 'child', command, args }
  }
  if (verb !== 'follow')
    throw new UsageError(
      `there is no command ${JSON.stringify(verb)}. A program to start stands behind --: logbridge-pipe -- ${positionals.join(' ')}. ` +
        `A file to follow stands behind follow: logbridge-pipe follow ${verb}`,
    )
  if (hasSeparator) throw new UsageError('follow starts no program: give either follow or --')
  if (rest.length === 0)
    throw new UsageError("follow needs a file or a glob, e.g. follow '/var/log/shop/*.log'")
  return { kind: 'follow', patterns: rest.map((pattern) => resolve(pattern)) }
}

function refuseFollowOptions({ serviceFrom, fromStart, checkpoints }: Settings): void {
  const options = { '--service-from': serviceFrom, '--from-start': fromStart, '--checkpoints': checkpoints }
  for (const [flag, value] of Object.entries(options))
    if (value !== undefined) throw new UsageError(`${flag} is an option of follow`)
}

function help(): string {
  const sections = SECTIONS.map(({ title, flags }) => {
    const lines = Object.entries(flags).map(([name, flag]) => describe(name, flag))
    return `${title}:\n${lines.join('\n')}\n`
  })
  return `Usage: PROGRAM | logbridge-pipe [options]
       logbridge-pipe [options] -- PROGRAM [arguments]
       logbridge-pipe [options] follow FILE|GLOB...

Sends the log lines of a program, or of files, to an OpenTelemetry receiver: JSON of loguru, structlog, zap, slog,
logback, ECS, pino, and others, and text. Lines are copied to stdout as they are. Reading stops while the receiver is
behind, so that nothing is dropped.

  python app.py | logbridge-pipe --service shop
  logbridge-pipe --service shop -- python app.py
  logbridge-pipe follow '/var/log/shop/*.log' --service shop

${sections.join('\n')}
Other:
${describe('help', { text: 'print this (-h)' })}
${describe('version', { text: 'print the version (-v)' })}
`
}

function describe(
  name: string,
  { value, text, multiple }: Pick<Flag, 'value' | 'text' | 'multiple'>,
): string {
  const flag = `  --${name}${value === undefined ? '' : ` ${value}`}`
  const words = `${text}${multiple ? '; may be repeated' : ''}`.split(' ')
  const lines = ['']
  for (const word of words) {
    const line = `${lines.at(-1)} ${word}`.trimStart()
    if (line.length > WIDTH - COLUMN) lines.push(word)
    else lines[lines.length - 1] = line
  }
  const indent = `\n${' '.repeat(COLUMN)}`
  return `${flag.length < COLUMN ? flag.padEnd(COLUMN) : flag + indent}${lines.join(indent)}`
}
