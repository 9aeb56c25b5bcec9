import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ViewerError, type Viewer, type ViewerOptions } from '../src/index.ts'
import { encode, exportGrpc, oneLog, postJson, start } from './otlp.ts'

async function started(options?: ViewerOptions): Promise<Viewer> {
  const viewer = await start(options)
  onTestFinished(() => viewer.close())
  return viewer
}

const log = oneLog({ body: { stringValue: 'hello' } })

describe('startViewer', () => {
  it('listens on the loopback address and returns its ports and URLs', async () => {
    const viewer = await started()
    expect(viewer.grpcUrl).toBe(`http://127.0.0.1:${viewer.grpcPort}`)
    expect(viewer.httpUrl).toBe(`http://127.0.0.1:${viewer.httpPort}`)
    expect(viewer.grpcPort).not.toBe(viewer.httpPort)
    expect(viewer.counts).toEqual({
      logRecords: 0,
      spans: 0,
      dataPoints: 0,
      requests: { logs: 0, traces: 0, metrics: 0 },
      refused: 0,
    })
  })

  it('refuses connections at another address of the machine', async () => {
    const viewer = await started()
    for (const port of [viewer.grpcPort, viewer.httpPort]) {
      // 127.0.0.2 is an address of this machine too, beside the default host 127.0.0.1.
      const socket = connect(port, '127.0.0.2')
      await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    }
  })

  it('listens on every address and returns a URL to send to when the host is a wildcard', async () => {
    const viewer = await started({ host: '0.0.0.0' })
    expect(viewer.httpUrl).toBe(`http://127.0.0.1:${viewer.httpPort}`)
    expect((await fetch(`http://127.0.0.2:${viewer.httpPort}/v1/logs`)).status).toBe(405)
    await exportGrpc(viewer.grpcPort, 'logs', encode('logs', log))
  })

  it.each(['grpcPort', 'httpPort'] as const)(
    'rejects with PORT_IN_USE and names the option when the port is in use: %s',
    async (option) => {
      const other = createServer().listen(0, '127.0.0.1')
      onTestFinished(() => void other.close())
      await once(other, 'listening')
      const { port } = other.address() as AddressInfo
      const error = await start({ [option]: port }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(ViewerError)
      expect(error).toMatchObject({ code: 'PORT_IN_USE', cause: expect.any(Error) })
      expect((error as Error).message).toContain(`Port ${port}`)
      expect((error as Error).message).toContain(option)
    },
  )

  it('closes the first listener when the second listener fails', async () => {
    const { httpPort, grpcPort } = await started()
    const other = await start()
    await other.close()
    await expect(start({ grpcPort: other.grpcPort, httpPort })).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    const again = await started({ grpcPort: other.grpcPort })
    expect(again.grpcPort).not.toBe(grpcPort)
  })

  it('rejects with LISTEN_FAILED when the host is an address of another machine', async () => {
    await expect(start({ host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining('192.0.2.1'),
    })
  })

  it.each([{ grpcPort: -1 }, { httpPort: 65_536 }, { httpPort: 1.5 }, { maxMessageBytes: 0 }])(
    'rejects with INVALID_OPTION when the options are %o',
    async (options) => {
      await expect(start(options)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(Object.keys(options)[0]!),
      })
    },
  )
})

describe('viewer', () => {
  it('emits one event for each request before the sender gets its answer', async () => {
    const viewer = await started()
    const sizes: number[] = []
    viewer.on('logs', (records) => sizes.push(records.length))
    await exportGrpc(viewer.grpcPort, 'logs', encode('logs', log))
    expect(sizes).toEqual([1])
    await postJson(viewer, '/v1/logs', log)
    expect(sizes).toEqual([1, 1])
  })

  it('accepts the request when a listener throws', async () => {
    const viewer = await started()
    viewer.on('logs', () => {
      throw new Error('from the listener')
    })
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const uncaught = once(process, 'uncaughtException')
    try {
      expect((await postJson(viewer, '/v1/logs', log)).status).toBe(200)
      expect((await uncaught)[0]).toMatchObject({ message: 'from the listener' })
    } finally {
      for (const listener of others) process.on('uncaughtException', listener)
    }
  })
})

describe('waitFor', () => {
  it('resolves when the condition becomes true or is already true', async () => {
    const viewer = await started()
    const waiting = viewer.waitFor(({ counts }) => counts.logRecords === 2)
    await postJson(viewer, '/v1/logs', log)
    await postJson(viewer, '/v1/logs', log)
    await waiting
    await viewer.waitFor(({ counts }) => counts.logRecords === 2)
  })

  it('resolves when a request is refused', async () => {
    const viewer = await started()
    const waiting = viewer.waitFor(({ counts }) => counts.refused === 1)
    await postJson(viewer, '/v1/logs', 'no JSON')
    await waiting
  })

  it('rejects with the counters when the timeout expires', async () => {
    const viewer = await started()
    await postJson(viewer, '/v1/logs', log)
    await expect(viewer.waitFor(({ counts }) => counts.spans > 0, 1)).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('Received 1 log record, 0 spans'),
    })
  })

  it('rejects with the error when the condition throws', async () => {
    const viewer = await started()
    const failure = new Error('condition')
    const condition = (): boolean => {
      throw failure
    }
    await expect(viewer.waitFor(condition)).rejects.toBe(failure)
  })

  it('rejects with CLOSED when the viewer is closed', async () => {
    const viewer = await started()
    const waiting = expect(viewer.waitFor(() => false)).rejects.toMatchObject({ code: 'CLOSED' })
    await viewer.close()
    await waiting
    await expect(viewer.waitFor(() => false)).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(viewer.waitFor(() => true)).resolves.toBeUndefined()
  })
})

describe('close', () => {
  it('stops listening when clients keep connections open, and can be called twice', async () => {
    const viewer = await start()
    const idle = connect(viewer.httpPort, '127.0.0.1')
    const halfSent = connect(viewer.httpPort, '127.0.0.1')
    const silent = connect(viewer.grpcPort, '127.0.0.1')
    const sockets = [idle, halfSent, silent]
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    const closed = sockets.map((socket) => {
      // A reset closes the socket too.
      socket.on('error', () => {})
      socket.resume()
      return new Promise((resolve) => socket.once('close', resolve))
    })
    halfSent.write(
      'POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n',
    )
    await Promise.all([viewer.close(), viewer.close()])
    await Promise.all(closed)
    await expect(fetch(viewer.httpUrl)).rejects.toThrow()
  })
})
