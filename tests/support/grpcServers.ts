import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http2 from 'node:http2'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { create, createFileRegistry, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { ConnectError } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { Metadata, Server, ServerCredentials } from '@grpc/grpc-js'
import { freePort } from './ports.ts'
import { retryDelay, retryInfo } from './scriptedReceiver.ts'

// Servers of gRPC by other makers than that of `scriptedReceiver.ts`, which is bare HTTP/2.

const SERVICE = 'opentelemetry.proto.collector.logs.v1.LogsService'

/** Refusal of a request. */
export interface Refusal {
  /** Number of a status. */
  readonly code: number
  readonly message: string
  /** Delay of a RetryInfo. */
  readonly retryMillis?: number
}

/** Answers a request with an encoded response, or refuses it. */
export type Answer = (request: Buffer) => Promise<Buffer | Refusal>

export interface GrpcServer {
  readonly url: string
  close(): Promise<void>
}

/** Starts a server of grpc-js. */
export async function startGrpcJs(answer: Answer): Promise<GrpcServer> {
  const server = new Server({ 'grpc.max_receive_message_length': -1 })
  const identity = (bytes: Buffer): Buffer => bytes
  server.addService(
    {
      export: {
        path: `/${SERVICE}/Export`,
        requestStream: false,
        responseStream: false,
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      },
    },
    {
      async export(call: { request: Buffer }, callback: (error: object | null, response?: Buffer) => void) {
        const answered = await answer(call.request)
        if (Buffer.isBuffer(answered)) return callback(null, answered)
        const metadata = new Metadata()
        const { retryMillis } = answered
        if (retryMillis) metadata.set('grpc-status-details-bin', retryInfo(0n, nanos(retryMillis)))
        callback({ code: answered.code, details: answered.message, metadata })
      },
    },
  )
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  return { url: `http://127.0.0.1:${port}`, close: async () => server.forceShutdown() }
}

function nanos(millis: number): bigint {
  return BigInt(millis) * 1_000_000n
}

/** Describes the service, whose messages keep their fields as unknown fields. */
function describeService() {
  const file = create(FileDescriptorProtoSchema, {
    name: 'logs_service.proto',
    package: 'opentelemetry.proto.collector.logs.v1',
    syntax: 'proto3',
    messageType: [{ name: 'ExportLogsServiceRequest' }, { name: 'ExportLogsServiceResponse' }],
    service: [
      {
        name: 'LogsService',
        method: [
          {
            name: 'Export',
            inputType: '.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest',
            outputType: '.opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse',
          },
        ],
      },
    ],
  })
  return createFileRegistry(file, () => undefined).getService(SERVICE)!
}

/** Starts a server of connect-node. */
export async function startConnectNode(answer: Answer): Promise<GrpcServer> {
  const service = describeService()
  const { input, output } = service.methods[0] as { input: DescMessage; output: DescMessage }
  const handler = connectNodeAdapter({
    grpc: true,
    grpcWeb: false,
    connect: false,
    readMaxBytes: 64 * 1024 * 1024,
    routes: (router) =>
      router.service(service, {
        async export(request: never) {
          const answered = await answer(Buffer.from(toBinary(input, request)))
          if (Buffer.isBuffer(answered)) return fromBinary(output, answered)
          const error = new ConnectError(answered.message, answered.code)
          const { retryMillis } = answered
          if (retryMillis) {
            error.details = [{ type: 'google.rpc.RetryInfo', value: retryDelay(0n, nanos(retryMillis)) }]
          }
          throw error
        },
      } as never),
  })
  const sessions = new Set<http2.ServerHttp2Session>()
  const server = http2.createServer(handler as never).listen(0, '127.0.0.1')
  server.on('session', (session) => sessions.add(session.on('error', () => {})))
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const session of sessions) session.destroy()
      server.close()
    },
  }
}

/** Finds the program of nginx: `NGINX`, else on the PATH, else where Debian has it. */
export function findNginx(): string | undefined {
  const named = process.env['NGINX']
  if (named) return named
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  return folders.map((folder) => join(folder, 'nginx')).find((path) => existsSync(path))
}

export interface Nginx extends GrpcServer {
  /** Replaces the workers, which end their connections gracefully. */
  reload(): void
}

/**
 * Starts nginx in front of a gRPC receiver.
 * @param settings further directives of the server
 */
export async function startNginx(program: string, upstream: string, settings = ''): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'logbridge-nginx-'))
  const port = await freePort()
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off;
pid ${folder}/pid;
error_log stderr error;
events {}
http {
  access_log off;
  ${paths.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${port} http2;
    ${settings}
    location / { grpc_pass grpc://${new URL(upstream).host}; }
  }
}
`,
  )
  const child = spawn(program, ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await accepts(port, child)
  return {
    url: `http://127.0.0.1:${port}`,
    reload: () => void child.kill('SIGHUP'),
    async close() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
      await rm(folder, { recursive: true })
    },
  }
}

/** Waits until a port accepts connections. */
async function accepts(port: number, child: ChildProcess): Promise<void> {
  let printed = ''
  child.stderr!.on('data', (text: Buffer) => (printed += text.toString()))
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise((resolve) =>
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false)),
    )
    socket.destroy()
    if (isOpen) return
    if (child.exitCode !== null) throw new Error(`nginx ended: ${printed}`)
    await delay(20)
  }
}
