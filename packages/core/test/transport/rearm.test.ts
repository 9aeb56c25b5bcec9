import { EventEmitter } from 'node:events'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ExportResultCode } from '@opentelemetry/core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { partialSuccess, startHttpReceiver } from '@logbridge/test-support/scriptedReceiver'
import { waitUntilSent } from '../../src/transport/deadline.ts'
import { createCertificateReloader } from '../../src/transport/certificates.ts'
import type { ExportOutcome } from '../../src/transport/transport.ts'
import { createOtlpExporter } from '../../src/signals/exporter.ts'
import type { SpoolEntry } from '../../src/spool/types.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { exporterConfig } from './exporterConfig.ts'
import { delivered, start } from '../manualPipeline.ts'
import { recover, appends, filesIn, keep, newDirectory, read, spoolAt } from '../spool/spoolDirectory.ts'
import { diskThat } from '../spool/mockDisk.ts'

interface Fault {
  begin(): unknown
  end(): unknown
}

const REQUEST = Buffer.alloc(100)
const warnings = capturedWarnings()

/** A spool that works on a disk which can be broken. */
function breakable(code: string) {
  const fault = { broken: false }
  const spool = spoolAt(
    newDirectory(),
    {},
    diskThat(() => fault.broken, code),
  )
  onTestFinished(() => spool.close())
  return { spool, fault }
}

function unwritable(append: 'append' | 'appendSync'): Fault {
  const { spool, fault } = breakable('ENOSPC')
  return {
    async begin() {
      fault.broken = true
      expect(await appends[append](spool, REQUEST)).toBeUndefined()
    },
    async end() {
      fault.broken = false
      expect(await appends[append](spool, REQUEST)).toBeDefined()
    },
  }
}

async function exporter(): Promise<{ exporting(): Promise<number>; answer(of: object): void }> {
  const receiver = await startHttpReceiver()
  const config = exporterConfig(`${receiver.url}/v1/traces`, { protocol: 'http/protobuf' })
  const serializer = { serializeRequest: () => Buffer.from('0a00', 'hex'), deserializeResponse() {} }
  const exporting = createOtlpExporter('traces', { exporter: config, exportTimeoutMillis: 5000 }, serializer)
  onTestFinished(async () => {
    await exporting.close()
    await receiver.close()
  })
  return {
    exporting: () => new Promise((resolve) => exporting.export([], ({ code }) => resolve(code))),
    answer(of) {
      receiver.answer = () => of
    },
  }
}

const FAULTS: Record<string, () => Fault | Promise<Fault>> = {
  'a spool that cannot be written to': () => unwritable('append'),
  'a spool that cannot be written to at once': () => unwritable('appendSync'),
  'a full spool'() {
    const spool = spoolAt(newDirectory(), { maxBytes: 2000 })
    onTestFinished(() => spool.close())
    let kept: SpoolEntry[] = []
    return {
      async begin() {
        for (;;) {
          const entry = await spool.append(REQUEST, 1)
          if (entry === undefined) return
          kept.push(entry)
        }
      },
      async end() {
        for (const entry of kept) spool.ack(entry)
        await vi.waitFor(() => expect(spool.bytes).toBe(0))
        kept = await keep(spool, 'there is room')
      },
    }
  },
  async 'a spool that cannot be read'() {
    // A file that is missing is not waited for.
    const { spool, fault } = breakable('ENOENT')
    const [entry] = await keep(spool, 'kept')
    return {
      async begin() {
        fault.broken = true
        expect(await read(spool, entry!)).toEqual({ read: ['corrupt'] })
      },
      async end() {
        fault.broken = false
        expect(String((await read(spool, entry!)).request)).toBe('kept')
      },
    }
  },
  'a spool of others that cannot be read'() {
    const { spool, fault } = breakable('EIO')
    return {
      async begin() {
        fault.broken = true
        await recover(spool)
      },
      async end() {
        fault.broken = false
        await recover(spool)
      },
    }
  },
  async 'a spool that another process recovers'() {
    const directory = newDirectory()
    const spool = spoolAt(directory)
    onTestFinished(() => spool.close())
    let [entry] = await keep(spool, 'kept')
    return {
      async begin() {
        for (const owner of filesIn(directory, 'owner')) {
          writeFileSync(`${owner}.new`, readFileSync(owner))
          renameSync(`${owner}.new`, owner)
        }
        expect(await read(spool, entry!)).toEqual({ read: ['recovered'] })
      },
      async end() {
        ;[entry] = await keep(spool, 'kept')
      },
    }
  },
  'a receiver that refuses some log records'() {
    const { transport, pipeline, write } = start()
    let sent = 0
    const exporting = async (outcome: ExportOutcome): Promise<void> => {
      write('a')
      const flushed = pipeline.forceFlush()
      await transport.arrived((sent += 1))
      transport.answer(outcome)
      await flushed
    }
    return {
      begin: () => exporting({ ...delivered, rejected: 1 } as ExportOutcome),
      end: () => exporting(delivered),
    }
  },
  async 'spans that cannot be exported'() {
    const { exporting, answer } = await exporter()
    return {
      async begin() {
        answer({ status: 400 })
        expect(await exporting()).toBe(ExportResultCode.FAILED)
      },
      async end() {
        answer({})
        expect(await exporting()).toBe(ExportResultCode.SUCCESS)
      },
    }
  },
  async 'a receiver that refuses some spans'() {
    const { exporting, answer } = await exporter()
    return {
      async begin() {
        answer({ body: partialSuccess(1n) })
        await exporting()
      },
      async end() {
        answer({})
        await exporting()
      },
    }
  },
  async 'certificate files that cannot be used'() {
    const folder = mkdtempSync(join(tmpdir(), 'logbridge-rearm-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const ca = join(folder, 'ca.pem')
    const { generate } = await import('selfsigned')
    const { cert } = await generate([{ name: 'commonName', value: 'logbridge test' }], { keyType: 'ec' })
    const certificates = createCertificateReloader({ files: { ca } })
    return {
      async begin() {
        rmSync(ca, { force: true })
        await certificates()
      },
      async end() {
        writeFileSync(ca, cert)
        await certificates()
      },
    }
  },
  'a receiver that accepts what it does not read'() {
    const answered = (writableFinished: boolean): Promise<boolean> => {
      const request = Object.assign(new EventEmitter(), { writableFinished, closed: false })
      return waitUntilSent(request, true, AbortSignal.abort(), () =>
        queueMicrotask(() => request.emit('close')),
      )
    }
    return { begin: () => answered(false), end: () => answered(true) }
  },
}

test.each(Object.entries(FAULTS))(
  'rearm lets a diagnostic be reported again when its cause has ended and begins again: %s',
  async (_, fault) => {
    const now = performance.now.bind(performance)
    let minutes = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now() + minutes * 60_000)
    const { begin, end } = await fault()
    await begin()
    expect(warnings).toHaveLength(1)
    await end()
    await begin()
    expect(warnings, 'sooner than a minute after').toHaveLength(1)
    minutes = 1
    await begin()
    expect(warnings, 'without an end').toHaveLength(1)
    await end()
    await begin()
    expect(warnings).toHaveLength(2)
  },
)
