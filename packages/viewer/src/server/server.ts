import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { listenError } from '../errors.ts'
import { createAccess } from './access.ts'
import { answerError, createApi, sendError, type ApiContext } from './api.ts'

export interface PageServerOptions extends ApiContext {
  host: string
  /** 0 for any free port. */
  port: number
  allowedHosts: readonly string[]
  token: string | undefined
  /** Folder with the files of the page. */
  webFolder: URL
}

export interface PageServer {
  port: number
  close(): Promise<void>
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Headers of every answer. The page loads nothing from elsewhere, and no other page can frame it. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/**
 * Serves the page and the HTTP API.
 *
 * @throws ViewerError `PORT_IN_USE` or `LISTEN_FAILED`
 */
export async function listenPage(options: PageServerOptions): Promise<PageServer> {
  const { host, port, allowedHosts, token, webFolder } = options
  const api = createApi(options)
  const files = readFiles(webFolder)
  let access: ReturnType<typeof createAccess>

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    // URL would take `//name/` for a host.
    const [pathname = '/', search] = (request.url ?? '/').split(/\?(.*)/s, 2)
    const searchParams = new URLSearchParams(search)
    const refusal = access.check(request)
    if (refusal?.status === 401) {
      const cookie = access.cookieFor(searchParams.get('token'))
      if (cookie !== undefined && request.method === 'GET')
        return redirect(response, pathname, searchParams, cookie)
    }
    if (refusal !== undefined) {
      // The body of a refused request is left unread.
      if (request.method !== 'GET') response.setHeader('connection', 'close')
      return sendError(response, refusal.status, refusal.message)
    }
    if (searchParams.has('token') && request.method === 'GET')
      return redirect(response, pathname, searchParams)
    const handler = api.get(`${request.method} ${pathname}`)
    if (handler !== undefined) return handler(request, response, searchParams)
    if (request.method !== 'GET') return sendError(response, 405, 'Send GET.')
    if (pathname.startsWith('/api/')) return sendError(response, 404, 'This path is unknown.')
    // Paths without a file are views of the page.
    const file = files.get(pathname) ?? files.get('/index.html')
    if (file === undefined) return sendError(response, 404, 'The page is missing in this build.')
    response.writeHead(200, { 'content-type': file.type, 'cache-control': 'no-cache' })
    response.end(file.content)
  }

  const server = createServer((request, response) => {
    // Node.js emits an error when the reader goes away.
    response.on('error', () => {})
    answer(request, response).catch((error: unknown) => answerError(response, error))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(listenError(error, { protocol: 'the page', host, port, option: 'port' })),
    )
    server.listen({ host, port }, resolve)
  })
  const { port: boundPort } = server.address() as AddressInfo
  access = createAccess({ host, port: boundPort, allowedHosts, token })
  return {
    port: boundPort,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/**
 * Answers a page that leads to the address without the token, so that the token stays out of the history and of links. A redirect by
 * status would still count as a request of the page whose link was clicked, and browsers omit the SameSite=Strict cookie there.
 */
function redirect(
  response: ServerResponse,
  pathname: string,
  parameters: URLSearchParams,
  cookie?: string,
): void {
  parameters.delete('token')
  const search = parameters.size > 0 ? `?${parameters.toString()}` : ''
  // Two slashes at the start would name another host.
  const location = `/${pathname.replace(/^\/+/, '')}${search}`
  response.writeHead(200, {
    'content-type': TYPES['.html'],
    'cache-control': 'no-store',
    ...(cookie !== undefined && { 'set-cookie': cookie }),
  })
  response.end(`<!doctype html><meta http-equiv="refresh" content="0;url=${escapeHtml(location)}">\n`)
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}

/** Reads the files of the page, so that no request names a path of the disk. */
function readFiles(folder: URL): ReadonlyMap<string, { type: string; content: Buffer }> {
  const files = new Map<string, { type: string; content: Buffer }>()
  let names: string[]
  try {
    names = readdirSync(folder, { recursive: true }) as string[]
  } catch {
    return files
  }
  for (const name of names) {
    const type = TYPES[extname(name)]
    if (type !== undefined)
      files.set(`/${name.replaceAll('\\', '/')}`, { type, content: readFileSync(new URL(name, folder)) })
  }
  return files
}
