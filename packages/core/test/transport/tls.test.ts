import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate, type SubjectAltNameEntry } from 'selfsigned'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { startFaultProxy } from '@logbridge/test-support/faultProxy'
import { startGrpcReceiver, startHttpReceiver } from '@logbridge/test-support/scriptedReceiver'
import { createLoggerProvider, type LoggerProviderOptions } from '../../src/index.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { NOTHING } from '@logbridge/test-support/stats'

// Real handshakes, with certificates of the test's own, through the options that users have.

/** A refused handshake is tried again until the deadline. */
const IMPATIENT = 500
const UNUSABLE = /^certificate files are invalid/

interface Pair {
  cert: string
  key: string
}

async function certificate(altNames: SubjectAltNameEntry[]): Promise<Pair> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'logbridge test' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames }],
  })
  return { cert, key }
}

const warnings = capturedWarnings()
const folder = mkdtempSync(join(tmpdir(), 'logbridge-tls-'))
afterAll(() => rmSync(folder, { recursive: true }))
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

let files = 0
/** Writes a temporary file. */
function write(content: string): string {
  const path = join(folder, `${(files += 1)}.pem`)
  writeFileSync(path, content)
  return path
}

describe.each([
  ['grpc', startGrpcReceiver],
  ['http/protobuf', startHttpReceiver],
] as const)('%s', (protocol, start) => {
  let own: Pair
  let client: Pair
  let plain: Awaited<ReturnType<typeof start>>
  let mutual: Awaited<ReturnType<typeof start>>
  /** Receivers after their move to certificates of other authorities. */
  let ownLater: Pair
  let clientLater: Pair
  let plainLater: Awaited<ReturnType<typeof start>>
  let mutualLater: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    const localhost: SubjectAltNameEntry[] = [{ type: 2, value: 'localhost' }]
    own = await certificate(localhost)
    ownLater = await certificate(localhost)
    client = await certificate([{ type: 2, value: 'client' }])
    clientLater = await certificate([{ type: 2, value: 'client' }])
    plain = await start(own)
    mutual = await start({ ...own, ca: client.cert })
    plainLater = await start(ownLater)
    mutualLater = await start({ ...own, ca: clientLater.cert })
  })
  afterAll(() => Promise.all([plain, mutual, plainLater, mutualLater].map((each) => each.close())))

  function provide(port: number, tls: LoggerProviderOptions['tls']) {
    const endpoint = `https://localhost:${port}`
    const provider = createLoggerProvider({ protocol, endpoint, tls, register: false })
    cleanups.push(() => provider.shutdown(0))
    const logger = provider.getLogger('tls')
    return {
      ...provider,
      log: () => logger.emit({ body: 'secret' }),
      stats: () => provider.stats(),
      provider,
    }
  }

  /** Sends one record; ends as soon as it has been delivered. */
  async function send(port: number, tls: LoggerProviderOptions['tls'], patience = 10_000) {
    const { log, provider } = provide(port, tls)
    log()
    await provider.shutdown(patience)
    const { delivered, dropped } = provider.stats()
    return { delivered, dropped }
  }
  const arrives = { delivered: 1, dropped: {} }
  const doesNot = { delivered: 0, dropped: { shutdown_timeout: 1 } }

  test('startTelemetry sends a record when the certificate of the server is trusted', async () => {
    expect(await send(plain.port, { ca: own.cert })).toEqual(arrives)
    expect(await send(plain.port, { caFile: write(own.cert) })).toEqual(arrives)
  })

  test.runIf(protocol === 'grpc')(
    'startTelemetry uses the authority and the ciphers when variables of gRPC name them',
    async () => {
      // The list of ciphers is for TLS 1.2.
      const old = await start({ ...own, maxVersion: 'TLSv1.2' } as never)
      cleanups.push(old.close, () => vi.unstubAllEnvs())
      vi.stubEnv('GRPC_DEFAULT_SSL_ROOTS_FILE_PATH', write(own.cert))
      expect(await send(old.port, {})).toEqual(arrives)
      vi.stubEnv('GRPC_SSL_CIPHER_SUITES', 'PSK')
      expect(await send(old.port, {}, IMPATIENT)).toEqual(doesNot)
    },
  )

  test('startTelemetry sends nothing when the server is not trusted', async () => {
    expect(await send(plain.port, { ca: client.cert }, IMPATIENT)).toEqual(doesNot)
    expect(await send(plain.port, {}, IMPATIENT)).toEqual(doesNot)
  })

  test('startTelemetry sends a record only with its certificate when the server asks for one', async () => {
    expect(await send(mutual.port, { ca: own.cert, ...client })).toEqual(arrives)
    const files = { certFile: write(client.cert), keyFile: write(client.key) }
    expect(await send(mutual.port, { ca: own.cert, ...files })).toEqual(arrives)
    expect(await send(mutual.port, { ca: own.cert }, IMPATIENT)).toEqual(doesNot)
    expect(await send(mutual.port, { ca: own.cert, ...own }, IMPATIENT)).toEqual(doesNot)
  })

  test('startTelemetry sends records when the server moves to another authority and the file names it', async () => {
    const proxy = await startFaultProxy(`http://127.0.0.1:${plain.port}`)
    cleanups.push(proxy.close)
    // The file is a link that is replaced, as in Kubernetes.
    const caFile = join(folder, `${protocol.slice(0, 4)}-ca.pem`)
    const lead = (content: string): void => {
      symlinkSync(write(content), `${caFile}.new`)
      renameSync(`${caFile}.new`, caFile)
    }
    lead(own.cert)
    const { log, provider } = provide(proxy.port, { caFile })
    log()
    await provider.forceFlush()
    // Half of it, and nothing at all: what was read before stays in use, also on a new connection.
    for (const [half, delivered] of [
      [ownLater.cert.slice(0, -40), 2],
      ['', 3],
    ] as const) {
      lead(half)
      proxy.reset()
      log()
      await provider.forceFlush()
      expect(provider.stats()).toMatchObject({ delivered })
    }
    proxy.forwardTo(`http://127.0.0.1:${plainLater.port}`)
    proxy.reset()
    log()
    await provider.forceFlush(IMPATIENT)
    expect(provider.stats()).toMatchObject({ delivered: 3, inFlight: 1 })
    lead(ownLater.cert)
    await provider.forceFlush()
    expect(provider.stats()).toMatchObject({ created: 4, delivered: 4, dropped: NOTHING, inFlight: 0 })
    expect(warnings.filter((text) => UNUSABLE.test(text))).toHaveLength(1)
  })

  test('startTelemetry uses a new client certificate when its files are written in any order', async () => {
    const proxy = await startFaultProxy(`http://127.0.0.1:${mutual.port}`)
    cleanups.push(proxy.close)
    const [certFile, keyFile] = [write(client.cert), write(client.key)]
    const { log, provider } = provide(proxy.port, { ca: own.cert, certFile, keyFile })
    const deliver = async (): Promise<number> => {
      log()
      await provider.forceFlush()
      return provider.stats().delivered
    }
    expect(await deliver()).toBe(1)
    // The old pair stays in use, also on new connections, while the new one is not complete.
    for (const half of [clientLater.key.slice(0, 100), clientLater.key]) {
      writeFileSync(keyFile, half)
      proxy.reset()
      await deliver()
    }
    rmSync(certFile)
    expect(await deliver()).toBe(4)
    writeFileSync(certFile, clientLater.cert.slice(0, -40))
    expect(await deliver()).toBe(5)
    expect(warnings.filter((text) => UNUSABLE.test(text))).toHaveLength(1)
    proxy.forwardTo(`http://127.0.0.1:${mutualLater.port}`)
    writeFileSync(certFile, clientLater.cert)
    // The transport reconnects by itself and no longer uses the connection with the old certificate.
    expect(await deliver()).toBe(6)
    expect(mutualLater.requests).toHaveLength(1)
    expect(provider.stats()).toMatchObject({ created: 6, delivered: 6, dropped: NOTHING })
    expect(warnings.join()).not.toContain('PRIVATE')
  })

  test('startTelemetry sends records when certificate files become valid after the start', async () => {
    const caFile = write(own.cert.slice(0, -40))
    const { log, provider } = provide(plain.port, { caFile })
    log()
    await provider.forceFlush(IMPATIENT)
    expect(provider.stats()).toMatchObject({ delivered: 0, inFlight: 1 })
    writeFileSync(caFile, own.cert)
    await provider.forceFlush()
    expect(provider.stats()).toMatchObject({ delivered: 1, inFlight: 0 })
  })
})
