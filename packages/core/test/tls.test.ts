import { generate, type SubjectAltNameEntry } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLoggerProvider } from '../src/index.ts'
import { startGrpcReceiver, startHttpReceiver } from '../../../tests/support/scriptedReceiver.ts'

// Real handshakes, with certificates of the test's own, through the options that users have.

/** A refused handshake is tried again until the deadline. */
const IMPATIENT = 500

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

describe.each([
  ['grpc', startGrpcReceiver],
  ['http/protobuf', startHttpReceiver],
] as const)('%s', (protocol, start) => {
  let own: Pair
  let client: Pair
  let plain: Awaited<ReturnType<typeof start>>
  let mutual: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    own = await certificate([{ type: 2, value: 'localhost' }])
    client = await certificate([{ type: 2, value: 'client' }])
    plain = await start(own)
    mutual = await start({ ...own, ca: client.cert })
  })
  afterAll(async () => {
    await plain.close()
    await mutual.close()
  })

  /** Sends one record; ends as soon as it has been delivered. */
  async function send(port: number, tls: { ca?: string; cert?: string; key?: string }, patience = 10_000) {
    const endpoint = `https://localhost:${port}`
    const provider = createLoggerProvider({ protocol, endpoint, tls, register: false })
    provider.getLogger('tls').emit({ body: 'secret' })
    await provider.shutdown(patience)
    const { delivered, dropped } = provider.stats()
    return { delivered, dropped }
  }
  const arrives = { delivered: 1, dropped: {} }
  const doesNot = { delivered: 0, dropped: { shutdown: 1 } }

  test('a server whose certificate is trusted gets the record', async () => {
    expect(await send(plain.port, { ca: own.cert })).toEqual(arrives)
  })

  test('a server that is not trusted gets nothing', async () => {
    expect(await send(plain.port, { ca: client.cert }, IMPATIENT)).toEqual(doesNot)
    expect(await send(plain.port, {}, IMPATIENT)).toEqual(doesNot)
  })

  test('a server that asks for a client certificate gets the record with it, and nothing without', async () => {
    expect(await send(mutual.port, { ca: own.cert, ...client })).toEqual(arrives)
    expect(await send(mutual.port, { ca: own.cert }, IMPATIENT)).toEqual(doesNot)
    expect(await send(mutual.port, { ca: own.cert, ...own }, IMPATIENT)).toEqual(doesNot)
  })
})
