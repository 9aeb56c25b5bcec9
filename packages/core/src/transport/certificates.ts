import { X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { warnOnce, rearm } from '@logbridge/bridge/internal'
import type { TlsConfig } from '../config/exporter.ts'

/** TLS material as contents in PEM, and ciphers. */
export type Certificates = Omit<TlsConfig, 'files'>

/** Current private key and the key before, which an attempt in progress may still use. */
const keys = new WeakMap<TlsConfig, readonly Buffer[]>()

/** Returns the private keys that diagnostics hide: current, previous, and initial key. */
export function keysOf(config: TlsConfig): readonly Buffer[] {
  return [...(config.key ? [config.key] : []), ...(keys.get(config) ?? [])]
}

/**
 * Creates a function that returns the current certificates, and the same object while they are unchanged. Each call checks the
 * files (the targets of links, because Kubernetes replaces links) and reads changed files. Missing or invalid files keep the
 * certificates before in use, and so does a new key whose certificate is not yet written.
 */
export function createCertificateReloader(config: TlsConfig): () => Certificates | Promise<Certificates> {
  const { files = {}, ...given } = config
  const paths: [string, string][] = Object.entries(files)
  let current: Certificates = given
  let lastFingerprints = ''
  let checking: Promise<Certificates> | undefined
  if (paths.length === 0) return () => current

  async function check(): Promise<Certificates> {
    try {
      // Take the fingerprints before reading, so that the next call sees a change during the read.
      const fingerprints = (await Promise.all(paths.map(([, path]) => fingerprint(path)))).join()
      if (fingerprints === lastFingerprints) return current
      const contents = await Promise.all(paths.map(async ([name, path]) => [name, await readFile(path)]))
      const next: Certificates = { ...given, ...Object.fromEntries(contents) }
      validateCertificates(next)
      lastFingerprints = fingerprints
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
        'certificate files are invalid, the certificates read before stay in use (logged once until the files are valid)',
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

/** @throws Error for truncated contents, contents other than PEM, and a key that does not match the certificate */
function validateCertificates({ ca, cert, key }: Certificates): void {
  for (const pem of [ca, cert]) {
    if (pem === undefined) continue
    // Parse each certificate, because createSecureContext ignores authorities that it cannot read.
    const certificates = pem
      .toString()
      .split(/(?=-----BEGIN )/)
      .filter((text) => text.startsWith('-----BEGIN '))
    if (certificates.length === 0) throw new Error('a file contains no certificate')
    for (const certificate of certificates) void new X509Certificate(certificate)
  }
  createSecureContext({ ...(cert && { cert }), ...(key && { key }) })
}

function same(a: Certificates, b: Certificates): boolean {
  const names = ['ca', 'cert', 'key'] as const
  return names.every((name) => a[name] === b[name] || (b[name] && a[name]?.equals(b[name])))
}
