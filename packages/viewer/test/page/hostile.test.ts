import { afterEach, expect, it } from 'vitest'
import { describePage, openPage, pageErrors, startViewer, useBrowser } from './browser.ts'

/** Texts that would run in a page that renders them as HTML or as a link. */
const SCRIPT =
  '<script>window.hacked = 1</script><img src=x onerror="window.hacked=1"><svg onload="window.hacked=1">'
const LINK = 'javascript:window.hacked=1'
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

const attributes = (text: string) => [
  { key: text, value: { stringValue: text } },
  {
    key: `${text}.nested`,
    value: { kvlistValue: { values: [{ key: text, value: { stringValue: text } }] } },
  },
  { key: 'list', value: { arrayValue: { values: [{ stringValue: text }] } } },
  { key: '__proto__', value: { stringValue: text } },
  { key: 'constructor', value: { stringValue: text } },
]

function requestsOf(text: string) {
  const nanos = `${Date.now()}000000`
  const resource = {
    attributes: [{ key: 'service.name', value: { stringValue: text } }, ...attributes(text)],
  }
  const scope = { name: text, version: text, attributes: attributes(text) }
  const exception = ['type', 'message', 'stacktrace'].map((name) => ({
    key: `exception.${name}`,
    value: { stringValue: `${text}\nCaused by: ${text}` },
  }))
  return {
    logs: {
      resourceLogs: [
        {
          resource,
          scopeLogs: [
            {
              scope,
              logRecords: [
                {
                  timeUnixNano: nanos,
                  severityNumber: 17,
                  severityText: text,
                  eventName: text,
                  body: { stringValue: text },
                  traceId: TRACE,
                  spanId: SPAN,
                  attributes: [...exception, ...attributes(text)],
                },
                { timeUnixNano: nanos, body: { kvlistValue: { values: attributes(text) } } },
              ],
            },
          ],
        },
      ],
    },
    traces: {
      resourceSpans: [
        {
          resource,
          scopeSpans: [
            {
              scope,
              spans: [
                {
                  traceId: TRACE,
                  spanId: SPAN,
                  name: text,
                  startTimeUnixNano: nanos,
                  endTimeUnixNano: nanos,
                  status: { code: 2, message: text },
                  attributes: attributes(text),
                  events: [{ name: text, timeUnixNano: nanos, attributes: attributes(text) }],
                },
              ],
            },
          ],
        },
      ],
    },
    metrics: {
      resourceMetrics: [
        {
          resource,
          scopeMetrics: [
            {
              scope,
              metrics: ['otel.sdk.', ''].map((prefix) => ({
                name: `${prefix}${text}`,
                unit: text,
                description: text,
                gauge: { dataPoints: [{ timeUnixNano: nanos, asDouble: 1, attributes: attributes(text) }] },
              })),
            },
          ],
        },
      ],
    },
  }
}

describePage('the page', () => {
  useBrowser()
  afterEach(() => expect(pageErrors.splice(0)).toEqual([]))

  it.each([
    ['a script', SCRIPT],
    ['a link of a script', LINK],
  ])('shows %s in every field as text, and runs nothing', async (_name, text) => {
    const viewer = await startViewer()
    for (const [signal, request] of Object.entries(requestsOf(text))) {
      const { status } = await fetch(`${viewer.httpUrl}/v1/${signal}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
      })
      expect(status).toBe(200)
    }
    const metric = new URLSearchParams({ metric: text, service: text })
    const paths = [
      '/logs?record=1&columns=time,level,message,service',
      '/logs?record=2',
      '/logs?group=message',
      `/logs?q=${encodeURIComponent(`msg="${text.replaceAll('"', '\\"')}"`)}`,
      '/traces',
      `/traces/${TRACE}?span=${SPAN}`,
      `/traces/${TRACE}?record=1`,
      `/metrics?${metric}`,
      '/health',
    ]
    for (const path of paths) {
      const page = await openPage(viewer, path)
      const main = page.locator('main')
      await expect.poll(() => main.textContent(), { message: path }).toContain(text.slice(0, 24))
      expect(await page.evaluate(() => 'hacked' in window), path).toBe(false)
      expect(await page.locator('main script, main [onerror], main [onload]').count(), path).toBe(0)
      const links = await page
        .locator('a')
        .evaluateAll((all) => all.map((each) => (each as HTMLAnchorElement).protocol))
      expect(new Set(links), path).toEqual(new Set(['http:']))
      await page.context().close()
    }
  })

  it('loads nothing from elsewhere', async () => {
    const viewer = await startViewer()
    const page = await openPage(viewer)
    const requested = new Set<string>()
    page.on('request', (request) => requested.add(new URL(request.url()).host))
    await page.reload()
    await page.locator('.empty').waitFor()
    expect([...requested]).toEqual([`localhost:${viewer.port}`])
  })
})
