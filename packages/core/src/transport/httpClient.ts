import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import { callbackify } from 'node:util'
import { type HostPort, hostPortOf, openTunnel, type Proxy } from './tunnel.ts'

// Imports only modules of Node.js, and files that do the same, because the worker of an exit flush bundles this file.

/** Certificates and key, as contents in PEM, and ciphers. */
export interface TlsMaterial {
  readonly ca?: Uint8Array
  readonly cert?: Uint8Array
  readonly key?: Uint8Array
  readonly ciphers?: string
}

/** Opens requests to one URL on keep-alive connections. */
export interface HttpClient {
  readonly agent: http.Agent
  open(headers: Readonly<Record<string, string>>, attempt: AbortSignal): http.ClientRequest
}

/** Options for the connections of a client. */
export interface ConnectionOptions {
  readonly proxy: Proxy | undefined
  /** Agent of the application, which opens the connections. */
  readonly agent?: http.Agent | undefined
  /** Lets the process end while a tunnel is opened. */
  readonly isUnref?: boolean
}

/**
 * Creates a client for POST requests to one URL. A proxy gets the whole URL of an `http:` receiver, and opens a tunnel to an `https:`
 * receiver. https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
 *
 * @param url the receiver, without credentials
 */
export function createHttpClient(
  url: URL,
  tls: TlsMaterial | undefined,
  { proxy, agent: given, isUnref = false }: ConnectionOptions,
): HttpClient {
  const isSecure = url.protocol === 'https:'
  const material = tls as https.AgentOptions | undefined
  if (proxy === undefined || isSecure) {
    const { request, Agent } = isSecure ? https : http
    const options = { keepAlive: true, ...material }
    const agent =
      given ?? (proxy ? new TunnelAgent(proxy, hostPortOf(url), isUnref, options) : new Agent(options))
    return {
      agent,
      // `TunnelAgent` gets the attempt with the options of the request.
      open: (headers, attempt) =>
        request(url, { method: 'POST', agent, headers, ...(given && material), attempt } as object),
    }
  }
  const { request, Agent } = proxy.isSecure ? https : http
  const agent = new Agent({ keepAlive: true })
  const { host, port, authorization } = proxy
  return {
    agent,
    open: (headers) =>
      request({
        method: 'POST',
        agent,
        host,
        port,
        path: url.href,
        headers: {
          ...headers,
          host: url.host,
          ...(authorization && { 'proxy-authorization': authorization }),
        },
      }),
  }
}

/** Agent whose TLS connections pass through tunnels of a proxy. */
class TunnelAgent extends https.Agent {
  readonly #proxy: Proxy
  readonly #to: HostPort
  readonly #isUnref: boolean

  constructor(proxy: Proxy, to: HostPort, isUnref: boolean, options: https.AgentOptions) {
    super(options)
    this.#proxy = proxy
    this.#to = to
    this.#isUnref = isUnref
  }

  override createConnection(
    options: https.RequestOptions & { readonly attempt?: AbortSignal },
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    callbackify(async () => {
      const socket = await openTunnel(this.#proxy, this.#to, options.attempt!, this.#isUnref)
      return super.createConnection({ ...options, socket } as https.RequestOptions)!
    })(callback!)
  }
}
