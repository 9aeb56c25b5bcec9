import { createRequire } from 'node:module'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { describePage, openPage, pageErrors, startViewer, useBrowser } from './browser.ts'
import { fill, openShop } from './telemetry.ts'

/** Folder for screenshots of all views, or `docs` for those of docs/viewer; no screenshots are taken without it. */
const SCREENSHOTS = process.env['SCREENSHOTS']
const DOCS_FOLDER = fileURLToPath(new URL('../../../../docs/viewer', import.meta.url))
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface View {
  name: string
  path(traceId: string): string
  /** Element that is there when the view is complete. */
  ready: string
  run?(page: Page): Promise<void>
  isEmpty?: boolean
  /** Shown in docs/viewer, at 1280 pixels. */
  isDocumented?: boolean
}

const VIEWS: readonly View[] = [
  { name: 'empty', path: () => '/logs', ready: '.empty', isEmpty: true, isDocumented: true },
  { name: 'logs', path: () => '/logs', ready: '.list-rows .row', isDocumented: true },
  {
    name: 'record',
    isDocumented: true,
    path: () => `/logs?q=${encodeURIComponent('level>=warn')}&off=-route%3D/health`,
    ready: '.list-rows .row',
    async run(page) {
      await page.getByText('payment of order 42 failed').click()
      await page.locator('.exception').waitFor()
    },
  },
  { name: 'patterns', path: () => '/logs?group=message', ready: '.patterns tbody tr', isDocumented: true },
  { name: 'wrong-query', path: () => '/logs?q=level%3E%3Dnonsense', ready: '#query-error .error' },
  { name: 'traces', path: () => '/traces', ready: 'tbody tr', isDocumented: true },
  {
    name: 'trace',
    isDocumented: true,
    path: (id) => `/traces/${id}`,
    ready: '.waterfall .list-rows .row',
    async run(page) {
      if (page.viewportSize()!.width > 640) await page.getByText('POST /charge').click()
    },
  },
  {
    name: 'span',
    path: (id) => `/traces/${id}`,
    ready: '.list-rows .row',
    run: (page) => page.getByText('POST /charge').click(),
  },
  {
    name: 'metrics',
    isDocumented: true,
    path: () => '/metrics?metric=http.server.requests&service=shop',
    ready: '.chart canvas',
  },
  { name: 'health', path: () => '/health', ready: '.sender', isDocumented: true },
  { name: 'help', path: () => '/logs', ready: '.list-rows .row', run: (page) => page.keyboard.press('?') },
  {
    name: 'settings',
    path: () => '/logs',
    ready: '.list-rows .row',
    run: (page) => page.getByRole('button', { name: 'Settings' }).click(),
  },
  {
    name: 'menu',
    path: () => '/logs',
    ready: '.list-rows .row',
    run: (page) => page.getByRole('button', { name: 'Columns' }).click(),
  },
]
const THEMES = ['light', 'dark'] as const
const WIDTHS = [1280, 400] as const

describePage('each view', () => {
  useBrowser()

  it.each(THEMES.flatMap((theme) => WIDTHS.map((width) => ({ theme, width }))))(
    'has no violation that axe finds, and fits, in the theme $theme at $width pixels',
    { timeout: 180_000 },
    async ({ theme, width }) => {
      const [empty, viewer] = await Promise.all([startViewer(), startViewer()])
      const shop = openShop(viewer)
      await fill(shop, 300)
      const traceId = await shop.checkout()
      for (let round = 0; round < 4; round += 1) await shop.measure()
      const found: string[] = []
      for (const view of VIEWS) {
        const { name, path, ready, run, isEmpty } = view
        const page = await openPage(isEmpty === true ? empty : viewer, path(traceId), {
          colorScheme: theme,
          viewport: { width, height: 800 },
        })
        await page.locator(ready).first().waitFor()
        await run?.(page)
        // Counts and values of the view follow its list.
        await page.waitForLoadState('load')
        await expect.poll(() => page.evaluate(() => document.fonts.status)).toBe('loaded')
        await takeScreenshot(page, { ...view, theme, width })
        found.push(...(await violationsOf(page)).map((text) => `${name}: ${text}`))
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        if (overflow > 0) found.push(`${name}: the page is ${overflow} pixels too wide`)
        await page.context().close()
      }
      await shop.close()
      expect(found).toEqual([])
      const expected = /^400 .*q=level%3E%3Dnonsense/
      expect(pageErrors.splice(0).filter((text) => !expected.test(text))).toEqual([])
    },
  )
})

async function takeScreenshot(
  page: Page,
  { name, isDocumented, theme, width }: View & { theme: string; width: number },
): Promise<void> {
  if (SCREENSHOTS === undefined || (SCREENSHOTS === 'docs' && (isDocumented !== true || width !== 1280)))
    return
  // Counts and values arrive after the list.
  await page.waitForTimeout(500)
  const png = await page.screenshot()
  if (SCREENSHOTS === 'docs') {
    writeFileSync(join(DOCS_FOLDER, `${name}-${theme}.webp`), await toWebp(page, png))
  } else {
    mkdirSync(SCREENSHOTS, { recursive: true })
    writeFileSync(join(SCREENSHOTS, `${name}-${theme}-${width}.png`), png)
  }
}

/** Compresses a picture by Chromium to a quarter of its size. */
async function toWebp(page: Page, png: Buffer): Promise<Buffer> {
  const url = await page.evaluate(async (base64) => {
    const image = new Image()
    image.src = `data:image/png;base64,${base64}`
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = image.width
    canvas.height = image.height
    canvas.getContext('2d')!.drawImage(image, 0, 0)
    return canvas.toDataURL('image/webp', 0.8)
  }, png.toString('base64'))
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')
}

async function violationsOf(page: Page): Promise<string[]> {
  // The policy of the page allows no further script, except from the debugger.
  await page.evaluate(AXE)
  const result = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: {
        run(): Promise<{
          violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[]
        }>
      }
    }
    return axe.run()
  })
  return result.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes
        .slice(0, 3)
        .map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary?.slice(0, 200)}`)
        .join(' | ')}`,
  )
}
