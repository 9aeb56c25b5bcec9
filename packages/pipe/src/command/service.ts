import { basename, dirname } from 'node:path'
import { UsageError } from './flags.ts'

/**
 * Reads the rule of `--service-from`.
 *
 * @returns a function that returns the name of the service of a file; `undefined` when the rule finds none
 * @throws UsageError
 */
export function serviceRule(rule: string): (path: string) => string | undefined {
  if (rule === 'folder') return (path) => basename(dirname(path)) || undefined
  if (rule === 'file') return (path) => basename(path).split('.')[0] || undefined
  let pattern: RegExp
  try {
    // regex-bounded: of the user who runs the command, for the paths of files
    pattern = new RegExp(rule)
  } catch (error) {
    throw new UsageError(
      `--service-from must be folder, file, or a regular expression: ${(error as Error).message}`,
      {
        cause: error,
      },
    )
  }
  // An empty alternative matches any text, and shows the number of groups. regex-bounded: tried on an empty text
  if (new RegExp(`${rule}|`).exec('')!.length < 2)
    throw new UsageError(
      `--service-from ${JSON.stringify(rule)} has no group. The first group is the name, e.g. '/log/([^/]+)/'`,
    )
  return (path) => pattern.exec(path)?.[1] || undefined
}
