import * as grpc from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import type { Signal } from '../src/decode.ts'
import { schema } from '../src/schema.ts'
import { startViewer, type Viewer, type ViewerOptions } from '../src/index.ts'

const { root } = protobuf.parse(schema)

export const requestTypes: Record<Signal, protobuf.Type> = {
  logs: root.lookupType('ExportLogsServiceRequest'),
  traces: root.lookupType('ExportTraceServiceRequest'),
  metrics: root.lookupType('ExportMetricsServiceRequest'),
}
const rpcStatus = root.lookupType('RpcStatus')

const services: Record<Signal, string> = {
  logs: 'opentelemetry.proto.collector.logs.v1.LogsService',
  traces: 'opentelemetry.proto.collector.trace.v1.TraceService',
  metrics: 'opentelemetry.proto.collector.metrics.v1.MetricsService',
}

/** Starts a viewer on free ports. */
export function start(options: ViewerOptions = {}): Promise<Viewer> {
  return startViewer({ grpcPort: 0, httpPort: 0, ...options })
}

export function encode(signal: Signal, request: object): Uint8Array<ArrayBuffer> {
  const type = requestTypes[signal]
  const { recursionLimit } = protobuf.util
  protobuf.util.recursionLimit = 10_000
  try {
    // `fetch` needs bytes that fill their ArrayBuffer, so the bytes are copied.
    return new Uint8Array(type.encode(type.fromObject(request)).finish())
  } finally {
    protobuf.util.recursionLimit = recursionLimit
  }
}

export function decodeStatus(bytes: ArrayBuffer): { code: number; message: string } {
  return rpcStatus.toObject(rpcStatus.decode(new Uint8Array(bytes))) as { code: number; message: string }
}

/** Builds a request with one log record. */
export function oneLog(record: object): object {
  return { resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] }
}

export function postJson(viewer: Viewer, path: string, body: unknown): Promise<Response> {
  return fetch(`${viewer.httpUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

export function postProtobuf(
  viewer: Viewer,
  path: string,
  body: Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${viewer.httpUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    body,
  })
}

/** Sends raw bytes in an Export call. Rejects with a grpc.ServiceError. */
export async function exportGrpc(
  port: number,
  signal: Signal,
  bytes: Uint8Array,
  options: grpc.ClientOptions = {},
  host = '127.0.0.1',
): Promise<Buffer> {
  const client = new grpc.Client(`${host}:${port}`, grpc.credentials.createInsecure(), options)
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(
        `/${services[signal]}/Export`,
        (message: Uint8Array) => Buffer.from(message),
        (message: Buffer) => message,
        bytes,
        (error, response) => (error ? reject(error) : resolve(response!)),
      )
    })
  } finally {
    client.close()
  }
}
