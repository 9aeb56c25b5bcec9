import { spawn } from 'node:child_process'
import { startPageViewer, type PageViewer, type PageViewerOptions } from '../pageViewer.ts'
import { endOutput, printMessage } from '../output.ts'
import { importLines } from '../store/importLines.ts'
import { counted } from '../text.ts'
import { describeReceived } from '../viewer.ts'
import { describeImport, openLines } from './files.ts'
import { announceViewer, type Announcement } from './runningViewers.ts'

export interface PageSettings extends PageViewerOptions {
  /** Files to import at the start. */
  files: readonly string[]
  /** Opens the browser. */
  open: boolean
}

/** Shows records on a page. */
export async function startPage({ files, open, ...options }: PageSettings): Promise<void> {
  const sources = files.map((file) => ({ file, lines: openLines(file) }))
  const viewer = await startPageViewer(options)
  const announcement = announceViewer({ url: viewer.pageUrl, token: viewer.token })
  stopOnSignal(viewer, announcement)
  printMessage(`Page: ${viewer.url}`)
  printMessage(`Receiving OTLP: gRPC at ${viewer.grpcUrl}, HTTP at ${viewer.httpUrl}`)
  if (announcement.problem !== undefined) printMessage(`The commands need --url: ${announcement.problem}`)
  if (open) openBrowser(announcement.redirectFile ?? viewer.url)
  for (const { file, lines } of sources) {
    try {
      printMessage(describeImport(file, await importLines(viewer.store, lines)))
    } catch (error) {
      printMessage(`logbridge-viewer: reading ${file} failed: ${(error as Error).message}`)
    }
  }
}

function stopOnSignal(viewer: PageViewer, announcement: Announcement): void {
  const stop = async (): Promise<void> => {
    announcement.end()
    const { inserted, dropped } = viewer.store.written()
    await viewer.close()
    const droppedCount = dropped.logs + dropped.spans + dropped.metrics
    const { logs: logRecords, spans, metrics: dataPoints } = inserted
    const received = describeReceived({ logRecords, spans, dataPoints, refused: viewer.refused() })
    printMessage(`${received}${droppedCount > 0 ? `; dropped ${droppedCount} of the oldest` : ''}`)
    const forwarded = viewer.forwarded()
    if (forwarded !== undefined) {
      const { url, sent, failed, lastError } = forwarded
      printMessage(
        `Forwarded ${counted(sent, 'request')} to ${url}${failed > 0 ? `; ${failed} failed: ${lastError}` : ''}`,
      )
    }
    endOutput()
  }
  // `once` removes the handler, so that a second signal ends the process immediately.
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

function openBrowser(target: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open']
  const browser = spawn(command!, [...args, target], { stdio: 'ignore', detached: true })
  browser.on('error', ({ message }) => printMessage(`Cannot open the browser: ${message}`))
  browser.unref()
}
