import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { PageViewer } from '../../src/pageViewer.ts'
import { describePage, openPage, pageErrors, startViewer, useBrowser } from './browser.ts'
import { fill, openShop, type Shop } from './telemetry.ts'

let viewer: PageViewer
let shop: Shop
const rowsOf = (page: Page) => page.locator('.list-rows > .row')
const messagesOf = (page: Page): Promise<string[]> =>
  page.locator('.list-rows .cell-message').allTextContents()
const search = async (page: Page, query: string): Promise<void> => {
  await page.fill('#query', query)
  await page.press('#query', 'Enter')
}

describePage('LogsView', () => {
  useBrowser()
  beforeEach(async () => {
    viewer = await startViewer()
    shop = openShop(viewer)
  })
  afterEach(async () => {
    await shop.close()
    expect(pageErrors.splice(0)).toEqual([])
  })

  it('says what to set and run when nothing has arrived, and shows the first record when it arrives', async () => {
    const page = await openPage(viewer)
    await expect.poll(() => page.locator('.empty').textContent()).toContain(viewer.httpUrl)
    expect(await page.locator('.empty').textContent()).toContain(
      `OTEL_EXPORTER_OTLP_ENDPOINT=${viewer.grpcUrl}`,
    )
    shop.log('first')
    await shop.flush()
    await expect.poll(() => messagesOf(page)).toEqual(['first'])
  })

  it('shows records of all services in one list, as they arrive, while it follows', async () => {
    const page = await openPage(viewer)
    shop.log('of the shop')
    await shop.flush()
    await expect.poll(() => messagesOf(page)).toEqual(['of the shop'])
    const other = openShop(viewer, 'payments')
    other.log('of the payments')
    await other.flush()
    await expect.poll(() => messagesOf(page)).toEqual(['of the payments', 'of the shop'])
    expect(await page.locator('.list-rows .cell-service').allTextContents()).toEqual(['payments', 'shop'])
    await other.close()
  })

  it('stops following when the user scrolls, counts what arrives, and follows again from the button', async () => {
    await fill(shop, 400)
    const page = await openPage(viewer)
    await expect.poll(() => rowsOf(page).count()).toBeGreaterThan(20)
    await page.locator('.list').hover()
    await page.mouse.wheel(0, 1200)
    const follow = page.getByRole('button', { name: 'Follow' })
    await expect.poll(() => follow.getAttribute('aria-pressed')).toBe('false')
    const before = await messagesOf(page)
    for (let index = 0; index < 5; index += 1) shop.log(`new ${index}`)
    await shop.flush()
    const button = page.getByRole('button', { name: '5 new' })
    await button.waitFor()
    expect(await messagesOf(page)).toEqual(before)
    await button.click()
    await expect.poll(() => messagesOf(page)).toContain('new 4')
    expect(await follow.getAttribute('aria-pressed')).toBe('true')
  })

  it('shows the newest record last, and stays at the end, when the order is changed', async () => {
    await fill(shop, 200)
    const page = await openPage(viewer)
    await expect.poll(() => rowsOf(page).count()).toBeGreaterThan(20)
    await page.getByRole('button', { name: 'Newest first' }).click()
    shop.log('the newest')
    await shop.flush()
    await expect.poll(async () => (await messagesOf(page)).at(-1)).toBe('the newest')
    await expect
      .poll(() =>
        page.locator('.list').evaluate((list) => list.scrollHeight - list.scrollTop - list.clientHeight),
      )
      .toBeLessThan(2)
  })

  it('keeps at most 200 rows in the document, and reaches the oldest record, when 5,000 records match', async () => {
    await fill(shop, 5000)
    const page = await openPage(viewer, '/logs', { viewport: { width: 1280, height: 3000 } })
    await expect.poll(() => rowsOf(page).count()).toBeGreaterThan(100)
    let highest = 0
    await expect
      .poll(
        async () => {
          await page.locator('.list').evaluate((list) => list.scrollTo(0, list.scrollHeight))
          highest = Math.max(highest, await rowsOf(page).count())
          return (await messagesOf(page)).at(-1)
        },
        { timeout: 30_000 },
      )
      .toContain('payment of order 1000 failed')
    expect(highest).toBeLessThanOrEqual(200)
  })

  it('has the beginning of a message in the list, and all of the message in its panel, when the message is long', async () => {
    shop.log(`${'x'.repeat(500_000)} the end`)
    await shop.flush()
    const page = await openPage(viewer, '/logs')
    await rowsOf(page).first().click()
    await expect.poll(() => page.locator('.panel').textContent()).toContain('xx the end')
    expect((await messagesOf(page))[0]!.length).toBeLessThanOrEqual(1000)
  })

  it('finds text in messages, attributes, and scopes when a word is searched', async () => {
    shop.log('needle in the message')
    shop.log('one', { attributes: { place: 'needle in an attribute' } })
    shop.log('two', { scope: 'needle' })
    shop.log('three')
    await shop.flush()
    const page = await openPage(viewer)
    await search(page, 'needle')
    await expect.poll(() => messagesOf(page)).toEqual(['two', 'one', 'needle in the message'])
  })

  it('filters by a value, excludes it, and switches a filter off and on, when its buttons are clicked', async () => {
    shop.log('kept', { attributes: { route: '/orders' } })
    shop.log('excluded', { attributes: { route: '/health' } })
    await shop.flush()
    const page = await openPage(viewer)
    await page.getByText('excluded', { exact: true }).click()
    await page.getByRole('button', { name: 'Not attr.route of this value' }).click()
    await expect.poll(() => messagesOf(page)).toEqual(['kept'])
    expect(new URL(page.url()).searchParams.getAll('q')).toEqual(['-attr.route=/health'])
    await page.getByRole('checkbox', { name: 'Use the filter' }).uncheck()
    await expect.poll(() => messagesOf(page)).toEqual(['excluded', 'kept'])
    expect(new URL(page.url()).searchParams.getAll('off')).toEqual(['-attr.route=/health'])
    await page.getByRole('checkbox', { name: 'Use the filter' }).check()
    await expect.poll(() => messagesOf(page)).toEqual(['kept'])
    await page.getByRole('button', { name: 'Remove the filter' }).click()
    await expect.poll(() => messagesOf(page)).toEqual(['excluded', 'kept'])
    await page.getByRole('button', { name: 'Only attr.route of this value' }).click()
    await expect.poll(() => messagesOf(page)).toEqual(['excluded'])
  })

  it('shows an attribute as a column when it is added in the record', async () => {
    shop.log('a', { attributes: { 'order.id': 9_007_199_254_740_993n } })
    await shop.flush()
    const page = await openPage(viewer)
    await rowsOf(page).first().click()
    await page.getByRole('button', { name: 'Add the column attr.order.id' }).click()
    await expect.poll(() => page.getByRole('columnheader').allTextContents()).toContain('order.id')
    expect(await page.locator('.list-rows .cell-attribute').textContent()).toBe('9007199254740993')
  })

  it('has the name of the logger as a column and as a filter', async () => {
    shop.log('a', { scope: 'db' })
    shop.log('b', { scope: 'http' })
    await shop.flush()
    const page = await openPage(viewer)
    await expect.poll(() => page.locator('.list-rows .cell-scope').allTextContents()).toEqual(['http', 'db'])
    await page.getByRole('button', { name: 'db 1' }).click()
    await expect.poll(() => messagesOf(page)).toEqual(['a'])
  })

  it('groups messages by pattern, and shows the records of one, when Group is on', async () => {
    for (let index = 0; index < 30; index += 1) shop.log(`order ${index} placed`)
    shop.log('unique')
    await shop.flush()
    const page = await openPage(viewer)
    await page.getByRole('button', { name: 'Group' }).click()
    const first = page.locator('.patterns tbody tr').first()
    await expect.poll(() => first.textContent()).toContain('order … placed')
    expect(await first.locator('td').first().textContent()).toBe('30')
    await page.getByRole('button', { name: 'order … placed' }).click()
    await expect.poll(() => rowsOf(page).count()).toBe(30)
  })

  it('shows the exception of a record and its causes apart from the attributes', async () => {
    await shop.checkout()
    const page = await openPage(viewer)
    await page.getByText('payment of order 42 failed').click()
    const section = page.locator('.exception')
    await section.waitFor()
    expect(await section.locator('strong').allTextContents()).toEqual(['PaymentError', 'Error'])
    expect(await section.textContent()).toContain('connect ECONNREFUSED 10.0.0.7:443')
    expect(await page.locator('.panel .values').allTextContents()).not.toContain('exception.stacktrace')
  })

  it('shows the records around one, whatever the filters, when Context is clicked', async () => {
    for (let index = 0; index < 20; index += 1) shop.log(`line ${index}`, { time: Date.now() - 1000 + index })
    shop.log('the failure', { level: 'error', time: Date.now() - 985 })
    await shop.flush()
    const page = await openPage(viewer, '/logs?q=level>=error')
    await page.getByText('the failure').click()
    await page.getByRole('button', { name: 'Context' }).click()
    await expect.poll(() => rowsOf(page).count()).toBe(21)
    await page.getByRole('button', { name: 'Back to the filters' }).click()
    await expect.poll(() => rowsOf(page).count()).toBe(1)
  })

  it('narrows the time when the histogram is dragged over, and by the keys', async () => {
    await fill(shop, 600)
    const page = await openPage(viewer)
    await page.locator('.histogram .bar').first().waitFor()
    const box = (await page.locator('.histogram-chart').boundingBox())!
    await page.mouse.move(box.x + box.width * 0.3, box.y + 20)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.5, box.y + 20, { steps: 4 })
    await page.mouse.up()
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toMatch(/^time>=\S+Z time<\S+Z$/)
    await page.getByRole('button', { name: 'Remove the filter' }).click()
    await page.locator('.histogram-chart').focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Shift+ArrowRight')
    await page.keyboard.press('Enter')
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toMatch(/^time>=/)
  })

  it('saves a view under a name, and opens it again', async () => {
    shop.log('a', { level: 'warn' })
    await shop.flush()
    const page = await openPage(viewer, '/logs?q=level>=warn')
    await page.getByRole('button', { name: 'Views' }).click()
    await page.fill('input[placeholder="Name of this view"]', 'warnings')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.goto(`${new URL(viewer.url).origin}/logs`)
    await page.getByRole('button', { name: 'Views' }).click()
    await page.getByRole('button', { name: 'warnings', exact: true }).click()
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe('level>=warn')
  })

  it('exports the records of the filters, and imports them from a dropped file', async () => {
    shop.log('exported', { level: 'error' })
    shop.log('left out')
    await shop.flush()
    const page = await openPage(viewer, '/logs?q=level>=error')
    await page.getByRole('button', { name: 'Export' }).click()
    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'These logs' }).click()
    const lines = await readFile(await (await downloading).path(), 'utf8')
    expect(lines.trim().split('\n')).toHaveLength(1)
    expect(lines).toContain('exported')

    const other = await startViewer()
    const colleague = await openPage(other)
    await colleague.locator('.empty').waitFor()
    await colleague.evaluate((text) => {
      const files = new DataTransfer()
      files.items.add(new File([text], 'logs.jsonl'))
      document.body.dispatchEvent(
        new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: files }),
      )
    }, lines)
    await expect.poll(() => messagesOf(colleague)).toEqual(['exported'])
    expect(await colleague.locator('.toast').textContent()).toContain('Imported 1 request of logs.jsonl')
  })

  it('asks about a mistyped field when no record matches', async () => {
    shop.log('order placed', { level: 'error' })
    await shop.flush()
    const page = await openPage(viewer, '/logs?q=levle=error')
    const nothing = page.locator('.nothing')
    await expect
      .poll(() => nothing.textContent())
      .toBe('No record matches. Did you mean the field level instead of levle?')
  })

  it('marks the position of an error when the query is wrong', async () => {
    shop.log('a')
    await shop.flush()
    const page = await openPage(viewer)
    await search(page, 'ok level>=')
    await expect.poll(() => page.locator('#query-error').textContent()).toContain('or a value, found the end')
    await search(page, 'level>=nonsense')
    await expect.poll(() => page.locator('#query-error').textContent()).toContain('expected trace, debug')
    expect(await page.locator('#query-error mark').textContent()).toBe('level>=nonsense')
    expect(pageErrors.splice(0).every((text) => text.startsWith('400 '))).toBe(true)
  })

  it('shows the same records as the HTTP API when both have the same query', async () => {
    await fill(shop, 60)
    const page = await openPage(viewer, `/logs?q=${encodeURIComponent('level>=warn OR order.id=1001')}`)
    const headers = { authorization: `Bearer ${viewer.token}` }
    const url = `${new URL(viewer.url).origin}/api/logs?q=${encodeURIComponent('level>=warn OR order.id=1001')}`
    const lines = (await (await fetch(url, { headers })).text()).trim().split('\n')
    const bodies = lines.map((line) => (JSON.parse(line) as { body: string }).body)
    await expect.poll(() => messagesOf(page)).toEqual(bodies)
  })

  it('does everything by keys: query, move, open, next error, close, follow, help', async () => {
    await fill(shop, 100)
    const page = await openPage(viewer)
    await expect.poll(() => rowsOf(page).count()).toBeGreaterThan(20)
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    expect(await page.locator('.row[aria-selected=true]').getAttribute('aria-rowindex')).toBe('2')
    await page.keyboard.press('k')
    await page.keyboard.press('Enter')
    await page.locator('.panel .message').waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => page.locator('.panel').count()).toBe(0)
    await page.keyboard.press('e')
    await expect.poll(() => page.locator('.row[aria-selected=true] .cell-level').textContent()).toBe('ERROR')
    await page.keyboard.press('f')
    await expect
      .poll(() => page.getByRole('button', { name: 'Follow' }).getAttribute('aria-pressed'))
      .toBe('true')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Help' }).waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => page.locator('dialog[open]').count()).toBe(0)
    await page.keyboard.press('/')
    await page.keyboard.type('level>=error')
    await page.keyboard.press('Enter')
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe('level>=error')
  })
})

describePage('Header', () => {
  useBrowser()

  it('says how many records were dropped when the store is full', async () => {
    const small = await startViewer({ bounds: { maxLogs: 100 } })
    const sender = openShop(small)
    const page = await openPage(small)
    await fill(sender, 300)
    await expect.poll(() => page.locator('.dropped').textContent()).toContain('logs dropped')
    await sender.close()
  })

  it('shows the records of before when the viewer is started again with the same file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'logbridge-page-'))
    const file = join(folder, 'viewer.db')
    const first = await startViewer({ file })
    const sender = openShop(first)
    sender.log('before the restart')
    await sender.close()
    await first.close()
    const page = await openPage(await startViewer({ file }))
    await expect.poll(() => messagesOf(page)).toEqual(['before the restart'])
    rmSync(folder, { recursive: true })
  })

  it('connects again, and shows what arrived, when the viewer was restarted', async () => {
    const first = await startViewer({ token: false })
    const page = await openPage(first)
    await page.locator('.empty').waitFor()
    await first.close()
    await expect.poll(() => page.locator('.connection').textContent()).toBe('connection lost')
    const second = await startViewer({ port: first.port, token: false })
    const sender = openShop(second)
    sender.log('after the restart')
    await sender.flush()
    await expect.poll(() => messagesOf(page), { timeout: 10_000 }).toEqual(['after the restart'])
    await sender.close()
    pageErrors.length = 0
  })
})
