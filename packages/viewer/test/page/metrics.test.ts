import { afterEach, beforeEach, expect, it } from 'vitest'
import type { PageViewer } from '../../src/pageViewer.ts'
import { describePage, openPage, pageErrors, startViewer, useBrowser } from './browser.ts'
import { openShop, type Shop } from './telemetry.ts'

let viewer: PageViewer
let shop: Shop

describePage('MetricsView', () => {
  useBrowser()
  beforeEach(async () => {
    viewer = await startViewer()
    shop = openShop(viewer)
  })
  afterEach(async () => {
    await shop.close()
    expect(pageErrors.splice(0)).toEqual([])
  })

  it('lists metrics with a sparkline, and draws a chart with one line a series, when one is clicked', async () => {
    await shop.measure()
    await shop.measure()
    const page = await openPage(viewer, '/metrics')
    const row = page.locator('tbody tr', { hasText: 'http.server.requests' })
    await row.waitFor()
    expect(await row.locator('polyline').getAttribute('points')).toMatch(/^[\d.]+,[\d.]+ [\d.]+,[\d.]+$/)
    await page.getByRole('button', { name: 'http.server.requests' }).click()
    await page.locator('.chart canvas').waitFor()
    expect(await page.locator('.metric-series tbody tr').count()).toBe(2)
    expect(await page.locator('.metric-series').textContent()).toContain('http.route=/checkout')
    await page.getByRole('button', { name: 'Per second' }).click()
    await expect.poll(() => page.locator('.metric-series').textContent()).toContain('/s')
  })

  it('adds points that arrive to the open chart', async () => {
    await shop.measure()
    const page = await openPage(viewer, '/metrics?metric=http.server.requests&service=shop')
    const last = page.locator('.metric-series tbody tr', { hasText: '/orders' }).locator('td').nth(1)
    await expect.poll(() => last.textContent()).toContain('32')
    await shop.measure()
    await expect.poll(() => last.textContent()).toContain('64')
  })
})

describePage('HealthView', () => {
  useBrowser()

  it('shows what the viewer received and refused, and what the senders report of their SDK', async () => {
    viewer = await startViewer()
    shop = openShop(viewer)
    await shop.checkout()
    await shop.measure()
    await fetch(`${viewer.httpUrl}/v1/logs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    })
    const page = await openPage(viewer, '/health')
    await expect.poll(() => page.locator('.sender').textContent()).toContain('otel.sdk.log.created')
    expect(await page.locator('.sender tr', { hasText: 'otel.sdk.log.created' }).textContent()).toContain('5')
    expect(await page.locator('.health').textContent()).toContain('Refused requests1')
    await shop.close()
    expect(pageErrors.splice(0)).toEqual([])
  })

  it('counts requests that were forwarded, and those that failed', async () => {
    const target = await startViewer()
    viewer = await startViewer({ forwardUrl: target.httpUrl })
    shop = openShop(viewer)
    shop.log('sent on')
    await shop.flush()
    const page = await openPage(viewer, '/health')
    await expect.poll(() => page.locator('.health').textContent()).toContain(`Forwarded to ${target.httpUrl}`)
    await expect.poll(() => page.locator('.health').textContent()).toMatch(/1 request(?!s)/)
    await shop.close()
    pageErrors.length = 0
  })
})
