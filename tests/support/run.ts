import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Folder `tests/`, in which built packages of the workspace resolve by name. */
export const testsFolder: string = fileURLToPath(new URL('..', import.meta.url))

/** Root folder of the repository. */
export const rootFolder: string = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Runs a command to its end.
 *
 * @param cwd working folder
 * @default cwd `tests/`
 * @param env variables to add to those of this process
 * @returns stdout of the command
 * @throws Error with the command line, exit code, and output, when the command fails
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
