import { cp, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { run } from '@logbridge/test-support/run'

/** Puts a library with its tests into an empty folder. */
export type Source = (folder: string) => Promise<unknown>

/** Debian release whose source packages have the newest versions that have tests. */
const RELEASE = 'trixie'

/** Copies a package of this workspace, for a library whose package has its tests. */
export function installedPackage(name: string): Source {
  return (folder) => cp(folderOf(name), folder, { recursive: true, dereference: true, filter: isNoModule })
}

/** Downloads a package from the npm registry. */
export function npmPackage(spec: string): Source {
  return async (folder) => {
    const [{ filename }] = JSON.parse(await run('npm', ['pack', '--json', spec], folder)) as [
      { filename: string },
    ]
    await unpack(join(folder, filename), folder)
  }
}

/** Downloads the original files of a source package of Debian, without Debian's patches. Needs apt. */
export function debianSource(name: string, version: string): Source {
  return async (folder) => {
    const env = { APT_CONFIG: await configureApt(folder) }
    await run('apt-get', ['--quiet', 'update'], folder, env)
    const report = await run('apt-get', ['source', '--download-only', '--print-uris', name], folder, env)
    const [, uri, file, checksum] = /^'(\S+)' (\S+\.orig\.tar\.\w+) \d+ (SHA256:\w+)$/m.exec(report) ?? []
    if (!uri?.includes(`_${version}`)) throw new Error(`apt has no source of ${name} ${version}:\n${report}`)
    await run('/usr/lib/apt/apt-helper', ['download-file', uri, file!, checksum!], folder, env)
    await unpack(join(folder, file!), folder)
  }
}

/**
 * Writes a configuration of apt that knows the source packages of `RELEASE`, at the address from which the machine has its packages.
 *
 * @returns path of the file
 */
async function configureApt(folder: string): Promise<string> {
  const indexes = await run('apt-get', ['update', '--print-uris'], folder)
  const [, uri] = /^'(\S+)\/dists\/[\w-]+\/InRelease'/m.exec(indexes) ?? []
  if (uri === undefined) throw new Error('apt has no package source')
  const apt = join(folder, '.apt')
  for (const part of ['lists/partial', 'state', 'cache']) await mkdir(join(apt, part), { recursive: true })
  await writeFile(join(apt, 'release.list'), `deb-src ${uri}/ ${RELEASE} main\n`)
  const settings = {
    'Dir::State': join(apt, 'state'),
    'Dir::State::lists': join(apt, 'lists'),
    'Dir::Cache': join(apt, 'cache'),
    'Dir::Etc::sourcelist': join(apt, 'release.list'),
    'Dir::Etc::sourceparts': '-',
    'APT::Sandbox::User': 'root',
  }
  const file = join(apt, 'apt.conf')
  await writeFile(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(''),
  )
  return file
}

async function unpack(archive: string, folder: string): Promise<void> {
  await run('tar', ['-xzf', archive, '--strip-components=1', '--warning=no-unknown-keyword'], folder)
}

function folderOf(name: string): string {
  return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
}

function isNoModule(path: string): boolean {
  return !path.endsWith('/node_modules')
}
