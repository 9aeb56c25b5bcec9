import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The folder `tests/`: every package of the workspace can be imported from here by its name, as built. */
export const testsFolder: string = fileURLToPath(new URL('..', import.meta.url))

/** The repository's root folder. */
export const rootFolder: string = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Runs a command to its end.
 *
 * @param cwd default: `tests/`
 * @param env variables beside those of this process
 * @returns what it wrote to stdout
 * @throws Error with the command line, its exit code and all it wrote, when it fails
 */
export async function run(
  command: string,
  args: readonly string[],
  cwd: string = testsFolder,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  try {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }
    const { stdout } = await promisify(execFile)(command, args, options)
    return stdout
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')} (in ${cwd}): exit code ${code}\n${stdout}\n${stderr}`, {
      cause: error,
    })
  }
}
