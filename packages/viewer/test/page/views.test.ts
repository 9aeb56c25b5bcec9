import { createRequire } from 'node:module'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { describePage, openPage, pageErrors, startViewer, useBrowser } from './browser.ts'
import { fill, openShop } from './telemetry.ts'

/** Folder for screenshots, which are taken when it is set. */
const SCREENSHOTS = process.env['SCREENSHOTS']
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface View {
  name: string
  path(traceId: string): string
  /** Element that is there when the view is complete. */
  ready: string
  run?(page: Page): Promise<void>
  isEmpty?: boolean
}

const VIEWS: readonly View[] = [
  { name: 'empty', path: () => '/logs', ready: '.empty', isEmpty: true },
  { name: 'logs', path: () => '/logs', ready: '.list-rows .row' },
  {
    name: 'record',
    path: () => `/logs?q=${encodeURIComponent('level>=warn')}&off=-route%3D/health`,
    ready: '.list-rows .row',
    async run(page) {
      await page.getByText('payment of order 42 failed').click()
      await page.locator('.exception').waitFor()
    },
  },
  { name: 'patterns', path: () => '/logs?group=message', ready: '.patterns tbody tr' },
  { name: 'wrong-query', path: () => '/logs?q=level%3E%3Dnonsense', ready: '#query-error .error' },
  { name: 'traces', path: () => '/traces', ready: 'tbody tr' },
  {
    name: 'trace',
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
    path: () => '/metrics?metric=http.server.requests&service=shop',
    ready: '.chart canvas',
  },
  { name: 'health', path: () => '/health', ready: '.sender' },
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
      for (const { name, path, ready, run, isEmpty } of VIEWS) {
        const page = await openPage(isEmpty === true ? empty : viewer, path(traceId), {
          colorScheme: theme,
          viewport: { width, height: 800 },
        })
        await page.locator(ready).first().waitFor()
        await run?.(page)
        // Counts and values of the view follow its list.
        await page.waitForLoadState('load')
        await expect.poll(() => page.evaluate(() => document.fonts.status)).toBe('loaded')
        if (SCREENSHOTS !== undefined) {
          mkdirSync(SCREENSHOTS, { recursive: true })
          await page.waitForTimeout(500)
          await page.screenshot({ path: join(SCREENSHOTS, `${name}-${theme}-${width}.png`) })
        }
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
