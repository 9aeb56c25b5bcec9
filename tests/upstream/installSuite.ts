import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NPM_INSTALL } from '@logbridge/test-support/project'
import type { Manifest } from '@logbridge/test-support/packages'
import { run } from '@logbridge/test-support/run'
import { installedPackage } from './sources.ts'
import type { Suite } from './suites.ts'

/** Puts a suite into an empty folder, with the library and all packages that the tests need. */
export async function installSuite(suite: Suite, folder: string): Promise<void> {
  await suite.source(folder)
  if (suite.installed) await installedPackage(suite.installed)(folder)
  for (const [file, replacement] of Object.entries(suite.replaced ?? {})) {
    await cp(fileURLToPath(new URL(replacement, import.meta.url)), join(folder, file))
  }
  const manifest = await readManifest(folder)
  // Linters, builds, and benchmarks of the library are left out.
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ ...manifest, scripts: {}, devDependencies: suite.tools }),
  )
  await rm(join(folder, 'package-lock.json'), { force: true })
  await run('npm', NPM_INSTALL, folder)
}

/** Returns the paths of the test files of a suite, sorted. */
export async function testFiles({ files }: Suite, folder: string): Promise<string[]> {
  const entries = await readdir(join(folder, 'test'), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((file) => files.test(file))
    .toSorted()
}

/** Returns the version of the library that a suite runs on. */
export async function versionOf(folder: string): Promise<string> {
  return (await readManifest(folder)).version
}

async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
}
