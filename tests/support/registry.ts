import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import type { PackedPackage } from './packages.ts'

/** npm registry of packed packages. */
export interface Registry {
  /** Value for `@logbridge:registry=<url>` in an .npmrc. */
  readonly url: string
  close(): void
}

/** Serves `packages` like the npm registry, each in one version. */
export async function startRegistry(packages: readonly PackedPackage[]): Promise<Registry> {
  // Each registry has its own URL, because package managers cache answers by URL.
  const path = `/${randomUUID()}/`
  const files = new Map<string, string | Buffer>()
  const server = createServer(({ url = '' }, response) =>
    answer(response, files.get(decodeURIComponent(url))),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  for (const { name, manifest, tarball } of packages) {
    const content = await readFile(tarball)
    const file = `${name}/-/${basename(tarball)}`
    const dist = {
      tarball: url + file,
      integrity: digest('sha512', content),
      shasum: digest('sha1', content),
    }
    files.set(path + file, content)
    files.set(path + name, JSON.stringify(document({ ...manifest, dist })))
  }
  return { url, close: () => void server.close() }
}

/** Builds the registry document of a package. */
function document(manifest: PackedPackage['manifest'] & { dist: object }): object {
  const { name, version } = manifest
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: manifest },
    // Some package managers reject packages that are younger than a day.
    time: { [version]: '2020-01-01T00:00:00.000Z' },
  }
}

function digest(algorithm: 'sha1' | 'sha512', content: Buffer): string {
  const hash = createHash(algorithm).update(content)
  return algorithm === 'sha1' ? hash.digest('hex') : `sha512-${hash.digest('base64')}`
}

function answer(response: ServerResponse, file: string | Buffer | undefined): void {
  if (file === undefined) response.writeHead(404).end('{}')
  else response.end(file)
}
