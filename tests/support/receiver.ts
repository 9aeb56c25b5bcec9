import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'
import { afterAll } from 'vitest'

/** Receives the records of the programs of a test file. */
export interface Receiver {
  /** Variables with which a program sends over gRPC. */
  readonly grpc: NodeJS.ProcessEnv
  /** Variables with which a program sends over HTTP. */
  readonly http: NodeJS.ProcessEnv
  /** Returns the records since the last call, sorted by body. */
  take(): Arrived[]
  /** Waits until `count` records have arrived since the last `take`. */
  waitFor(count: number): Promise<unknown>
}

/** Part of a record that the programs of `tests/consumers/programs` set. */
export interface Arrived {
  scope: string
  severityNumber: number
  body: unknown
  item: unknown
  /** Type and message of the exception. */
  exception: unknown[]
}

const ADAPTERS = ['bunyan', 'console', 'log4js', 'pino', 'winston']

/** Records of `logByEach`. */
export const ONE_BY_EACH: readonly Arrived[] = ADAPTERS.map(soldOut)

/** Returns the record of a program by the name of its logger. */
export function soldOut(scope: string): Arrived {
  return {
    scope,
    severityNumber: 17,
    body: `${scope} sold out`,
    item: 7,
    exception: ['TypeError', 'no stock'],
  }
}

/** Starts a receiver that closes at the end of the test file. */
export async function startReceiver(): Promise<Receiver> {
  const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  afterAll(() => viewer.close())
  let arrived: Arrived[] = []
  viewer.on('logs', (records) => void arrived.push(...records.map(essence)))
  return {
    grpc: { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl },
    http: { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.httpUrl },
    take() {
      const taken = arrived.toSorted((a, b) => String(a.body).localeCompare(String(b.body)))
      arrived = []
      return taken
    },
    waitFor: (count) => viewer.waitFor(() => arrived.length >= count, 30_000),
  }
}

function essence({ scope, severityNumber, body, attributes }: ReceivedLogRecord): Arrived {
  const { item, 'exception.type': type, 'exception.message': message } = attributes
  return { scope: scope.name, severityNumber, body, item, exception: [type, message] }
}
