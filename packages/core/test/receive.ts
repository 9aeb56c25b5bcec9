import { startViewer, type ReceivedLogRecord } from '@logbridge/viewer'
import { afterAll, beforeAll } from 'vitest'

/** A real receiver for the tests of one file; `take` gives what arrived since the last call. */
export function receiver(): {
  grpcUrl(): string
  httpUrl(): string
  take(): ReceivedLogRecord[]
  /** Posts an encoded request and gives back what the receiver made of it. */
  decode(request: Uint8Array): Promise<ReceivedLogRecord[]>
} {
  let viewer: Awaited<ReturnType<typeof startViewer>>
  let received: ReceivedLogRecord[] = []
  beforeAll(async () => {
    viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
    viewer.on('logs', (records) => received.push(...records))
  })
  afterAll(() => viewer.close())

  function take(): ReceivedLogRecord[] {
    const taken = received
    received = []
    return taken
  }
  return {
    grpcUrl: () => viewer.grpcUrl,
    httpUrl: () => viewer.httpUrl,
    take,
    async decode(request) {
      take()
      const response = await fetch(`${viewer.httpUrl}/v1/logs`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: Buffer.from(request),
      })
      if (!response.ok) throw new Error(`the receiver answered ${response.status}: ${await response.text()}`)
      return take()
    },
  }
}
