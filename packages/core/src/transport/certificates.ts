import { X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { warnOnce, rearm } from '@logbridge/bridge/internal'
import type { TlsConfig } from '../config/exporter.ts'

/** TLS material, as contents in PEM. */
export interface Certificates {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}

/** The private key in use and the one before, which an attempt may still use. */
const keys = new WeakMap<TlsConfig, readonly Buffer[]>()

/** Returns the private keys that diagnostics hide: `keys`, and the one of the start. */
export function keysOf(config: TlsConfig): readonly Buffer[] {
  return [...(config.key ? [config.key] : []), ...(keys.get(config) ?? [])]
}

/**
 * Gives the certificates that are to be used now, and the same object as long as they are the same. Files are looked at each
 * time (what a link leads to, as Kubernetes exchanges links) and read again when they have changed. Files that are half
 * written, gone, or of which the key is new and the certificate is not yet, leave in use what was read before.
 */
export function createCertificateReloader(config: TlsConfig): () => Certificates | Promise<Certificates> {
  const { files = {}, ...given } = config
  const paths: [string, string][] = Object.entries(files)
  let current: Certificates = given
  let read = ''
  let checking: Promise<Certificates> | undefined
  if (paths.length === 0) return () => current

  async function check(): Promise<Certificates> {
    try {
      // Before they are read: what is written meanwhile is then seen next time.
      const found = (await Promise.all(paths.map(([, path]) => fingerprint(path)))).join()
      if (found === read) return current
      const contents = await Promise.all(paths.map(async ([name, path]) => [name, await readFile(path)]))
      const next: Certificates = { ...given, ...Object.fromEntries(contents) }
      validateCertificates(next)
      read = found
      if (!same(next, current)) {
        keys.set(
          config,
          [current.key, next.key].filter((key) => key !== undefined),
        )
        current = next
      }
      rearm('certificates')
    } catch (error) {
      warnOnce(
        'certificates',
        'certificate files cannot be used: what was read from them before stays in use until they can (said once until then)',
        error,
      )
    }
    return current
  }

  return () => {
    checking ??= check().finally(() => {
      checking = undefined
    })
    return checking
  }
}

async function fingerprint(path: string): Promise<string> {
  const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path)
  return [dev, ino, size, mtimeMs, ctimeMs].join()
}

/** @throws when they are cut short, no PEM, or when key and certificate do not belong together */
function validateCertificates({ ca, cert, key }: Certificates): void {
  for (const pem of [ca, cert]) {
    if (pem === undefined) continue
    // A secure context takes as many authorities as it can read, also none.
    const certificates = pem
      .toString()
      .split(/(?=-----BEGIN )/)
      .filter((text) => text.startsWith('-----BEGIN '))
    if (certificates.length === 0) throw new Error('a file holds no certificate')
    for (const certificate of certificates) void new X509Certificate(certificate)
  }
  createSecureContext({ ...(cert && { cert }), ...(key && { key }) })
}

function same(a: Certificates, b: Certificates): boolean {
  const names = ['ca', 'cert', 'key'] as const
  return names.every((name) => a[name] === b[name] || (b[name] && a[name]?.equals(b[name])))
}
