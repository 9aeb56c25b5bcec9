import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'
import { afterAll } from 'vitest'

/** Receives what the programs of a test file send. */
export interface Receiver {
  /** Variables that make a program send over gRPC, or over HTTP. */
  readonly grpc: NodeJS.ProcessEnv
  readonly http: NodeJS.ProcessEnv
  /** What has arrived since the last call, sorted by body. */
  take(): Arrived[]
  /** Waits until so many records have arrived since the last `take`. */
  waitFor(count: number): Promise<unknown>
}

/** The part of a record that the programs of `tests/consumers/programs` decide. */
export interface Arrived {
  scope: string
  severityNumber: number
  body: unknown
  item: unknown
  /** Type and message. */
  exception: unknown[]
}

const ADAPTERS = ['bunyan', 'console', 'log4js', 'pino', 'winston']

/** What arrives when `logByEach` has run. */
export const ONE_BY_EACH: readonly Arrived[] = ADAPTERS.map(soldOut)

/** What the programs log, by the name of the logger. */
export function soldOut(scope: string): Arrived {
  return {
    scope,
    severityNumber: 17,
    body: `${scope} sold out`,
    item: 7,
    exception: ['TypeError', 'no stock'],
  }
}

/** Listens until the end of the test file. */
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
