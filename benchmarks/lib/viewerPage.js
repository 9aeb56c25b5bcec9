/** Starts the viewer and Chromium, and measures the page. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { createLoggerProvider } from '@logbridge/core'
import { chromium } from 'playwright-core'
import { encodeRequests, residentMegabytes, sendRequests } from './viewer.js'

const COMMAND = new URL('../../packages/viewer/dist/cli.js', import.meta.url)
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const TAIL_MILLIS = 10_000
const IDLE_MILLIS = 2000
/** Time between two groups of records. */
const TICK_MILLIS = 20

/** Runs a measurement with a viewer that has 2,000 records, and a browser that is signed in. */
export async function withPage(measure) {
  const viewer = spawn(
    process.execPath,
    [COMMAND.pathname, '--port', '0', '--grpc-port', '0', '--http-port', '0'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
  try {
    const { url, grpcUrl, httpUrl } = await addressesOf(viewer)
    const provider = createLoggerProvider({ endpoint: grpcUrl, serviceName: 'shop', register: false })
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    await page.goto(url)
    await page.waitForURL((each) => !each.searchParams.has('token'))
    await page.locator('.empty').waitFor()
    const context = {
      page,
      origin: new URL(url).origin,
      httpUrl,
      provider,
      logger: provider.getLogger('orders'),
      rss: () => residentMegabytes(viewer.pid),
    }
    for (let index = 0; index < 2000; index += 1) emit(context, index)
    await provider.forceFlush()
    await page.locator('.list-rows .row').first().waitFor()
    try {
      return await measure(context)
    } finally {
      await provider.shutdown()
    }
  } finally {
    await browser.close()
    viewer.kill()
    await once(viewer, 'exit')
  }
}

async function addressesOf(viewer) {
  const found = {}
  const lines = createInterface({ input: viewer.stderr })
  viewer.stdout.resume()
  for await (const line of lines) {
    found.url ??= /^Page: (\S+)/.exec(line)?.[1]
    found.grpcUrl ??= /gRPC at ([^\s,]+)/.exec(line)?.[1]
    found.httpUrl ??= /HTTP at (\S+)/.exec(line)?.[1]
    if (found.url !== undefined && found.grpcUrl !== undefined) break
  }
  viewer.stderr.resume()
  return found
}

/** Returns the milliseconds from the navigation to the first contentful paint. */
export async function measurePaint({ page, origin }, path) {
  await page.goto(`${origin}${path}`)
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        new PerformanceObserver((list) => {
          const paint = list.getEntries().find(({ name }) => name === 'first-contentful-paint')
          if (paint !== undefined) resolve(paint.startTime)
        }).observe({ type: 'paint', buffered: true })
      }),
  )
}

/** Returns the records a second that are stored while the page shows them as they arrive. */
export async function measureStored({ page, origin, httpUrl }, count) {
  await page.goto(`${origin}/logs`)
  await page.locator('.list-rows .row').first().waitFor()
  const requests = [...encodeRequests(count)]
  const agent = new Agent({ keepAlive: true })
  const start = performance.now()
  try {
    await sendRequests(httpUrl, agent, requests.values())
    return count / ((performance.now() - start) / 1000)
  } finally {
    agent.destroy()
  }
}

/** Sends records at a rate, and returns the memory of the viewer and of the page at each part of the time. */
export async function measureMemory(context, { rate, seconds, parts }) {
  const { page, origin, provider, rss } = context
  await page.goto(`${origin}/logs`)
  const session = await page.context().newCDPSession(page)
  const memory = []
  const start = performance.now()
  let sent = 0
  for (let part = 1; part <= parts; part += 1) {
    const end = (seconds * 1000 * part) / parts
    while (performance.now() - start < end) {
      const due = ((performance.now() - start) / 1000) * rate
      for (; sent < due; sent += 1) emit(context, sent)
      await delay(TICK_MILLIS)
    }
    await provider.forceFlush()
    await session.send('HeapProfiler.collectGarbage')
    const { usedSize } = await session.send('Runtime.getHeapUsage')
    memory.push({ viewer: rss(), page: usedSize / 2 ** 20 })
  }
  return { memory, sent }
}

/** Measures frames and rows while records arrive at a rate, and frames while none arrive. */
export async function measureTail(context, rate) {
  const { page, origin, provider } = context
  await page.goto(`${origin}/logs`)
  await page.locator('.list-rows .row').first().waitFor()
  const idle = await measureFrames(page, IDLE_MILLIS)
  const measuring = measureFrames(page, TAIL_MILLIS)
  const start = performance.now()
  let sent = 0
  while (performance.now() - start < TAIL_MILLIS) {
    const due = ((performance.now() - start) / 1000) * rate
    for (; sent < due; sent += 1) emit(context, sent)
    await delay(TICK_MILLIS)
  }
  const seconds = (performance.now() - start) / 1000
  await provider.forceFlush()
  const { frames, rows } = await measuring
  return {
    frameMillis: percentile(frames, 0.95),
    idleFrameMillis: percentile(idle.frames, 0.95),
    rows,
    rate: sent / seconds,
  }
}

function measureFrames(page, millis) {
  return page.evaluate(
    (length) =>
      new Promise((resolve) => {
        const frames = []
        let rows = 0
        const start = performance.now()
        let last = start
        const next = (now) => {
          frames.push(now - last)
          last = now
          rows = Math.max(rows, document.querySelectorAll('.list-rows > .row').length)
          if (now - start < length) requestAnimationFrame(next)
          else resolve({ frames: frames.slice(1), rows })
        }
        requestAnimationFrame(next)
      }),
    millis,
  )
}

function emit({ logger }, index) {
  const isFailed = index % 50 === 0
  logger.emit({
    severityNumber: isFailed ? 17 : 9,
    severityText: isFailed ? 'ERROR' : 'INFO',
    body: `order ${index} placed by customer ${index % 97}`,
    attributes: { 'order.id': index, 'http.route': '/orders', 'payment.amount': index / 3 },
  })
}

function percentile(values, part) {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))]
}
