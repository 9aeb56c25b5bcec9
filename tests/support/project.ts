import { appendFile, cp, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { run } from './run.ts'

/** Arguments of `npm install` without notices and install scripts. */
export const NPM_INSTALL: readonly string[] = [
  'install',
  '--prefer-offline',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--no-progress',
]

/** Copy of a project of `tests/consumers`, outside of the workspace. */
export interface Project {
  readonly folder: string
  /** Runs a command in the folder, without the variables that vitest sets. */
  run(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string>
}

/** Copies a project and the shared programs, and sets the registry of the tests for @logbridge packages. */
export async function copyProject(name: string): Promise<Project> {
  const folder = await mkdtemp(join(inject('projects'), `${name}-`))
  for (const source of ['programs', name]) {
    await cp(fileURLToPath(new URL(`../consumers/${source}`, import.meta.url)), folder, { recursive: true })
  }
  await appendFile(join(folder, '.npmrc'), `@logbridge:registry=${inject('registry')}\n`)
  // `pnpm exec` sets NODE_PATH, by which packages of the workspace would be found.
  const withoutVitest = {
    NODE_ENV: undefined,
    VITEST: undefined,
    NODE_OPTIONS: undefined,
    NODE_PATH: undefined,
  }
  return {
    folder,
    run: (command, args, env) => run(command, args, folder, { ...withoutVitest, ...env }),
  }
}

/** Copies a project and installs it with npm. */
export async function installProject(name: string): Promise<Project> {
  const project = await copyProject(name)
  await project.run('npm', NPM_INSTALL)
  return project
}
