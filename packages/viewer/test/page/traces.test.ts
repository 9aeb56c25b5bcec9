import { afterEach, beforeEach, expect, it } from 'vitest'
import type { PageViewer } from '../../src/pageViewer.ts'
import { describePage, openPage, pageErrors, startViewer, useBrowser } from './browser.ts'
import { EARLIER, openShop, type Shop } from './telemetry.ts'

let viewer: PageViewer
let shop: Shop

describePage('TraceView', () => {
  useBrowser()
  beforeEach(async () => {
    viewer = await startViewer()
    shop = openShop(viewer)
  })
  afterEach(async () => {
    await shop.close()
    expect(pageErrors.splice(0)).toEqual([])
  })

  it('shows each span with its logs inside the waterfall when a trace is opened from the list', async () => {
    await shop.checkout()
    const page = await openPage(viewer, '/traces')
    await page.getByRole('link', { name: 'POST /checkout' }).click()
    const names = page.locator('.waterfall .list-rows .item-name')
    await expect
      .poll(() => names.allTextContents())
      .toEqual([
        expect.stringContaining('POST /checkout'),
        expect.stringContaining('checkout started'),
        expect.stringContaining('SELECT cart'),
        expect.stringContaining('3 rows'),
        expect.stringContaining('POST /charge'),
        expect.stringContaining('card provider is slow'),
        expect.stringContaining('payment of order 42 failed'),
        expect.stringContaining('checkout failed'),
      ])
    const charge = page.locator('.waterfall .list-rows .row', { hasText: 'POST /charge' })
    expect(await charge.locator('.log-dot').count()).toBe(2)
    await page.getByRole('button', { name: 'Collapse POST /checkout' }).click()
    await expect.poll(() => names.count()).toBe(1)
  })

  it('shows the attributes, events, links, and logs of a span when it is clicked', async () => {
    const id = await shop.checkout()
    const page = await openPage(viewer, `/traces/${id}`)
    await page.getByText('POST /charge').click()
    const panel = page.getByRole('complementary', { name: 'Span' })
    await panel.waitFor()
    expect(await panel.locator('.span-logs li').count()).toBe(2)
    expect(await panel.textContent()).toContain('exception')
    expect(await panel.textContent()).toContain('error: card declined')
    const link = panel.getByRole('link', { name: EARLIER.traceId })
    expect(await link.getAttribute('href')).toBe(`/traces/${EARLIER.traceId}?span=${EARLIER.spanId}`)
    expect(await panel.textContent()).toContain('reasonretry')
  })

  it('is opened from a record at its span, and leads back to the record, by the key t', async () => {
    const id = await shop.checkout()
    const page = await openPage(viewer, '/logs')
    await page.getByText('card provider is slow').click()
    await page.keyboard.press('t')
    await expect.poll(() => new URL(page.url()).pathname).toBe(`/traces/${id}`)
    const panel = page.getByRole('complementary', { name: 'Span' })
    await expect.poll(() => panel.locator('h2').textContent()).toBe('POST /charge')
    await panel.getByRole('link', { name: 'card provider is slow' }).click()
    await expect.poll(() => page.locator('.panel .message').textContent()).toBe('card provider is slow')
    expect(new URL(page.url()).pathname).toBe('/logs')
  })

  it('lists the traces that match, and those that arrive, when the list is filtered', async () => {
    await shop.checkout()
    const page = await openPage(viewer, '/traces?q=duration>10s')
    await expect.poll(() => page.locator('.nothing').textContent()).toBe('No trace matches.')
    await page.getByRole('checkbox', { name: 'Use the filter' }).uncheck()
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1)
    await shop.checkout()
    await expect.poll(() => page.locator('tbody tr').count()).toBe(2)
  })
})
