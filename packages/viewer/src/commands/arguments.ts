import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'

/** Error in the arguments or the environment of the command. */
export class UsageError extends Error {}

type Flags<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ args: string[]; options: Options; allowNegative: true; allowPositionals: true }>
>

/**
 * Reads the flags of a command, and `--help`.
 *
 * @param help text for `--help`
 * @returns `undefined` when the help was printed
 * @throws UsageError
 */
export function readFlags<const Options extends ParseArgsOptionsConfig>(
  args: string[],
  options: Options,
  help: string,
): Flags<Options> | undefined {
  let parsed
  try {
    parsed = parseArgs({
      args,
      options: { ...options, help: HELP },
      allowNegative: true,
      allowPositionals: true,
    })
  } catch (error) {
    throw new UsageError(`${(error as Error).message} See --help.`, { cause: error })
  }
  if ((parsed.values as { help?: boolean }).help === true) {
    process.stdout.write(help)
    return undefined
  }
  return parsed
}

const HELP = { type: 'boolean', short: 'h' } as const

/** Flags of every command that asks a running viewer. */
export const CLIENT_FLAGS = { url: { type: 'string' }, token: { type: 'string' } } as const
export const CLIENT_HELP = `  --url <url>             address of the viewer, with or without its token
                          (default: the viewer that this user started last)
  --token <token>         token of the viewer at --url
  -h, --help              print this
`

/** Flags and help of color. */
export const COLOR_FLAG = { color: { type: 'boolean' } } as const
export const COLOR_HELP = `  --color, --no-color     colors (default: on a terminal; NO_COLOR and FORCE_COLOR are respected)
`

/** Moves a query that begins with a minus behind the flags, where the minus makes no flag. */
export function queryLast(args: readonly string[]): string[] {
  const isQuery = (text: string): boolean => /^-[^-]/.test(text) && text !== '-h'
  const queries = args.filter(isQuery)
  return queries.length === 0 ? [...args] : [...args.filter((text) => !isQuery(text)), '--', ...queries]
}

/** Returns the one argument that a command takes. */
export function onePositional(positionals: readonly string[], name: string, otherwise?: string): string {
  const [first, second] = positionals
  if (second !== undefined) {
    throw new UsageError(
      `Expected one ${name}, and got ${JSON.stringify(second)} as well. Quote the ${name}.`,
    )
  }
  if (first !== undefined) return first
  if (otherwise !== undefined) return otherwise
  throw new UsageError(`The ${name} is missing. See --help.`)
}

export function toPort(flag: string, text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new UsageError(`${flag} must be a number from 0 to 65535, not ${JSON.stringify(text)}`)
  }
  return port
}

/** Reads a whole number of at least one. */
export function toCount(flag: string, text: string, max: number): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || count > max) {
    throw new UsageError(`${flag} must be a whole number from 1 to ${max}, not ${JSON.stringify(text)}`)
  }
  return count
}

/** Follows https://no-color.org and https://force-color.org. A flag has precedence over both variables. */
export function wantsColor(flag: boolean | undefined): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env
  if (flag !== undefined) return flag
  if (NO_COLOR) return false
  if (FORCE_COLOR) return FORCE_COLOR !== '0'
  return process.stdout.isTTY && process.stdout.hasColors()
}
