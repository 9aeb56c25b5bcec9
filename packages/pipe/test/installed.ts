import { existsSync } from 'node:fs'
import { test } from 'vitest'

/**
 * Returns the test function for a library of another language, which is a Debian package. `.ci/run` installs them, so that in CI a test fails
 * without its library. Elsewhere the test is skipped, and one line names the missing file.
 *
 * @param needs files of the packages
 */
export function testWith(library: string, needs: readonly string[]): typeof test | typeof test.skip {
  const missing = needs.find((path) => !existsSync(path))
  if (missing === undefined || process.env['CI'] === 'true') return test
  console.warn(`${library}: skipped, because ${missing} is not installed`)
  return test.skip
}

export const PYTHON = '/usr/bin/python3'

/** Returns the files that a module of Python needs. */
export function pythonModule(name: string): readonly string[] {
  return [PYTHON, `/usr/lib/python3/dist-packages/${name}`]
}

/** Folder of Go's Debian packages. */
export const GO_PACKAGES = '/usr/share/gocode'

/** Variables by which Go takes its packages from that folder. `GOCACHE` names a folder of the test. */
export const GO_ENVIRONMENT: Readonly<Record<string, string>> = {
  GO111MODULE: 'off',
  GOPATH: GO_PACKAGES,
  TZ: 'UTC',
}
