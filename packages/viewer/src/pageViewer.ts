import packageJson from '../package.json' with { type: 'json' }
import { ViewerError } from './errors.ts'
import { listenGrpc } from './grpc.ts'
import { listenHttp } from './http.ts'
import type { Listener, RequestSink } from './listener.ts'
import { createToken } from './server/access.ts'
import { createForwarder, type Forwarder } from './server/forward.ts'
import { listenPage } from './server/server.ts'
import { openStore, type Store } from './store/store.ts'
import type { Bounds } from './store/bounds.ts'
import { urlOf } from './viewer.ts'

export interface PageViewerOptions {
  host: string
  /** Port of the page. */
  port: number
  grpcPort: number
  httpPort: number
  maxMessageBytes: number
  /** File that keeps the data; `undefined` for a temporary one. */
  file?: string | undefined
  bounds?: Partial<Bounds>
  allowedHosts?: readonly string[]
  /** Origins of pages that may send OTLP/HTTP. */
  allowedOrigins?: readonly string[]
  /** Secret of the page: a random one by default, `false` for none. */
  token?: string | false | undefined
  /** OTLP/HTTP endpoint that gets each request, too. */
  forwardUrl?: string | undefined
}

/** Receiver with a store and a page. */
export interface PageViewer {
  /** Address of the page, with its token. */
  readonly url: string
  /** Address of the page, without its token. */
  readonly pageUrl: string
  readonly token: string | undefined
  readonly port: number
  readonly grpcUrl: string
  readonly httpUrl: string
  readonly store: Store
  /** Returns the number of requests that were answered with an error. */
  refused(): number
  /** Returns the numbers of requests that `--forward` sent on; `undefined` without it. */
  forwarded(): Forwarder['counts'] | undefined
  close(): Promise<void>
}

const FORWARD_CLOSE_MILLIS = 3000
/** Folder of the built page. Tests run this module from its source. */
const WEB_FOLDER = new URL(import.meta.url.endsWith('.ts') ? '../dist/web/' : './web/', import.meta.url)

/**
 * Starts a receiver, its store, and its page.
 *
 * @throws ViewerError `INVALID_OPTION`, `PORT_IN_USE`, `LISTEN_FAILED`, or `DATABASE`
 */
export async function startPageViewer(options: PageViewerOptions): Promise<PageViewer> {
  const { host, maxMessageBytes, allowedHosts = [], allowedOrigins = [], forwardUrl } = options
  const token = options.token === false ? undefined : (options.token ?? createToken())
  const forwarder = forwardUrl === undefined ? undefined : createForwarder(checkUrl(forwardUrl))
  const store = await openStore({
    maxMessageBytes,
    ...(options.file !== undefined && { file: options.file }),
    ...(options.bounds && { bounds: options.bounds }),
  })
  const closers: (() => Promise<void>)[] = [() => store.close()]
  let refused = 0
  const sink: RequestSink = {
    accept(signal, encoding, bytes) {
      forwarder?.forward(signal, encoding, bytes)
      return store.write(signal, encoding, bytes)
    },
    countRefused: () => void (refused += 1),
  }
  const listen = async <T extends Listener>(listener: Promise<T>): Promise<T> => {
    const started = await listener
    closers.unshift(() => started.close())
    return started
  }
  try {
    const shared = { host, maxMessageBytes, allowedHosts, allowedOrigins }
    const grpc = await listen(listenGrpc(sink, { ...shared, port: options.grpcPort }))
    const http = await listen(listenHttp(sink, { ...shared, port: options.httpPort }))
    const urls = { grpcUrl: urlOf(host, grpc.port), httpUrl: urlOf(host, http.port) }
    const page = await listen(
      listenPage({
        host,
        port: options.port,
        allowedHosts,
        token,
        webFolder: WEB_FOLDER,
        store,
        status: () => ({
          version: packageJson.version,
          ...urls,
          refused,
          ...(forwarder && { forwarded: forwarder.counts }),
        }),
      }),
    )
    const url = `${urlOf(host === '127.0.0.1' ? 'localhost' : host, page.port)}/`
    return {
      ...urls,
      url: token === undefined ? url : `${url}?token=${token}`,
      pageUrl: url,
      token,
      port: page.port,
      store,
      refused: () => refused,
      forwarded: () => forwarder?.counts,
      async close() {
        await forwarder?.close(FORWARD_CLOSE_MILLIS)
        await closeAll(closers)
      },
    }
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  for (const close of closers) await close()
}

function checkUrl(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url
  throw new ViewerError(
    'INVALID_OPTION',
    `--forward must be an http or https URL, not ${JSON.stringify(url)}`,
  )
}
