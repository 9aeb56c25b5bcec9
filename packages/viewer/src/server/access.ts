import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

export interface AccessOptions {
  /** Address that the page listens on. */
  host: string
  port: number
  /** Further names of this viewer, `NAME` or `NAME:PORT`, for containers and forwarded ports. */
  allowedHosts: readonly string[]
  /** Secret that each request must have; `undefined` allows requests without one. */
  token: string | undefined
}

/** Refusal of a request, as an HTTP status with a message that says what to do. */
export interface Refusal {
  status: 401 | 403 | 421
  message: string
}

/** Check of a request: its Host against DNS rebinding, its Origin against other pages, and its token. */
export interface Access {
  /** Returns the refusal of a request, or `undefined`. */
  check(request: IncomingMessage): Refusal | undefined
  /** Returns the value of Set-Cookie when the text is the token. */
  cookieFor(token: string | null): string | undefined
}

/** Creates a token of 128 bits. */
export function createToken(): string {
  return randomBytes(16).toString('hex')
}

export function createAccess({ host, port, allowedHosts, token }: AccessOptions): Access {
  const own = isIP(host) === 6 ? `[${host}]` : host
  const hosts = new Set([...LOOPBACK, own].map((name) => `${name}:${port}`))
  // Browsers omit the port 80.
  if (port === 80) for (const name of [...LOOPBACK, own]) hosts.add(name)
  for (const name of allowedHosts) {
    hosts.add(name.toLowerCase())
    if (!/:\d+$/.test(name)) hosts.add(`${name.toLowerCase()}:${port}`)
  }
  // Cookies are shared by all ports of a host, so the name has the port.
  const cookieName = `logbridge_viewer_${port}`

  function refusalOfHost(request: IncomingMessage): Refusal | undefined {
    const { host: names, origin: origins } = request.headersDistinct
    const name = names?.length === 1 ? names[0]!.toLowerCase() : undefined
    if (name === undefined || !hosts.has(name)) {
      return {
        status: 421,
        message:
          `The Host header ${JSON.stringify(name ?? '')} does not name this viewer. Open http://localhost:${port}, ` +
          `or start the viewer with --allow-host ${name === undefined || !/^[\w.[\]:-]+$/.test(name) ? 'NAME' : name}.`,
      }
    }
    const isOwnOrigin = (origin: string) => origin === `http://${name}` || origin === `https://${name}`
    if (origins?.every(isOwnOrigin) === false) {
      return {
        status: 403,
        message: 'The Origin header names another page. The viewer answers its own page alone.',
      }
    }
    const site = request.headers['sec-fetch-site']
    if (
      site !== undefined &&
      site !== 'same-origin' &&
      site !== 'none' &&
      request.headers['sec-fetch-mode'] !== 'navigate'
    ) {
      return {
        status: 403,
        message: 'The request is of another page. The viewer answers its own page alone.',
      }
    }
    return undefined
  }

  function tokensOf(request: IncomingMessage): string[] {
    const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const cookies = (request.headers.cookie ?? '').split(';').map((each) => each.trim())
    const cookie = cookies.find((each) => each.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1)
    return [bearer, cookie].filter((given) => given !== undefined)
  }

  return {
    check(request) {
      const refusal = refusalOfHost(request)
      if (refusal !== undefined) return refusal
      if (token === undefined) return undefined
      const given = tokensOf(request)
      if (given.some((each) => isEqual(each, token))) return undefined
      const isWrong = given.length > 0 || /[?&]token=/.test(request.url ?? '')
      return {
        status: 401,
        message: `The token is ${isWrong ? 'that of another viewer' : 'missing'}. Open the address that the viewer printed, which ends with ?token=…`,
      }
    },
    cookieFor(given) {
      if (token === undefined || given === null || !isEqual(given, token)) return undefined
      return `${cookieName}=${token}; HttpOnly; SameSite=Strict; Path=/`
    },
  }
}

/** Compares two texts in a time that does not depend on their contents. */
function isEqual(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
