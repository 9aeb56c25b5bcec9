import { existsSync } from 'node:fs'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { startPageViewer, type PageViewer, type PageViewerOptions } from '../../src/pageViewer.ts'

/** Chromium of Debian, or of `CHROMIUM`. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

/** Group of tests in a browser, skipped where none is installed. */
export const describePage: typeof describe.skip = describe.skipIf(
  !existsSync(CHROMIUM),
) as typeof describe.skip

let browser: Browser
const closers: (() => Promise<void>)[] = []

/** Starts the browser for the tests of a file, and closes what they open. */
export function useBrowser(): void {
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
  })
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close()
  })
  afterAll(() => browser.close())
}

export async function startViewer(options: Partial<PageViewerOptions> = {}): Promise<PageViewer> {
  const viewer = await startPageViewer({
    host: '127.0.0.1',
    port: 0,
    grpcPort: 0,
    httpPort: 0,
    maxMessageBytes: 4 * 2 ** 20,
    ...options,
  })
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => (closed ??= viewer.close())
  closers.push(close)
  return { ...viewer, close }
}

/** Errors of pages, which no test expects. Each test asserts that there are none. */
export const pageErrors: string[] = []

/** Opens the page of a viewer, signed in by the token of its address. */
export async function openPage(
  viewer: PageViewer,
  path = '/logs',
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
    reducedMotion: 'reduce',
    ...options,
  })
  closers.push(() => context.close())
  const page = await context.newPage()
  page.on('pageerror', (error) => pageErrors.push(String(error.stack)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      pageErrors.push(message.text())
  })
  page.on('response', (response) => {
    if (response.status() >= 400) pageErrors.push(`${response.status()} ${response.url()}`)
  })
  const { origin } = new URL(viewer.url)
  await page.goto(`${origin}${path}${path.includes('?') ? '&' : '?'}token=${viewer.token}`)
  await page.waitForURL((url) => !url.searchParams.has('token'))
  return page
}
