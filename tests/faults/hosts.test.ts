import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endCollector, findCollector } from '@logbridge/test-support/collector'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { createNetwork, type Host, missingForHosts } from '@logbridge/test-support/hosts'
import { createLedger } from '@logbridge/test-support/ledger'
import { NOTHING, type Stats } from '@logbridge/test-support/stats'
import { expect, onTestFinished, test, vi } from 'vitest'

// An application with a spool, an agent, and a gateway on three hosts of a real network, whose faults are those of the kernel. The Collectors
// have the configurations of examples/deployment.

const collector = findCollector()
const missing = missingForHosts()
if (missing) process.stdout.write(`tests/faults/hosts.test.ts is skipped: ${missing}\n`)

/** Length of the longest cut. `pnpm test:faults` sets 60. */
const CUT_MILLIS = Number(process.env['CUT_SECONDS'] ?? 5) * 1000
const KILOBITS = 4000
const DROP_PROBABILITY = 0.03
const WAIT_OPTIONS = { timeout: 150_000, interval: 50 }
const BACKEND_PORT = 4319

const pathOf = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url))

/** Starts a Collector with a configuration of examples/deployment. */
function startCollector(host: Host, configuration: string, env: NodeJS.ProcessEnv): ChildProcess {
  const path = pathOf(`../examples/deployment/collector/${configuration}`)
  return host.spawn(collector!, ['--config', path], { env, stdio: 'ignore' })
}

function startBackend(host: Host, onBodies: (bodies: unknown[]) => void): void {
  const args = [pathOf('fixtures/backend.mjs'), host.address, String(BACKEND_PORT)]
  const backend = host.spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  createInterface({ input: backend.stdout! }).on('line', (line) => onBodies(JSON.parse(line)))
}

/** Starts an application that logs numbers, with a spool, until `end`. */
function startApplication(host: Host, endpoint: string, directory: string) {
  const args = [pathOf('fixtures/streaming.mjs'), endpoint, directory]
  const { stdin, stdout } = host.spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  let created = 0
  let stats: Stats | undefined
  createInterface({ input: stdout! }).on('line', (line) => {
    if (line.startsWith('{')) stats = JSON.parse(line) as Stats
    else created = Number(line)
  })
  return {
    created: () => created,
    async end(): Promise<Stats> {
      stdin!.end()
      return vi.waitFor(() => stats ?? Promise.reject(new Error('no counters')), WAIT_OPTIONS)
    },
  }
}

test.skipIf(collector === undefined || missing !== undefined)(
  'createLoggerProvider loses nothing when the network is slow, drops packets, is cut, and the hosts of the agent and the gateway die',
  { tags: 'long' },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'logbridge-hosts-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const network = createNetwork(['application', 'agent', 'gateway'])
    onTestFinished(() => network.remove())
    const { application, agent, gateway } = network.hosts

    const ledger = createLedger()
    let isListening = false
    startBackend(gateway, (bodies) => {
      isListening = true
      for (const body of bodies) ledger.add(Number(body))
    })
    await vi.waitFor(() => expect(isListening).toBe(true), WAIT_OPTIONS)
    const startGateway = (): ChildProcess =>
      startCollector(gateway, 'gateway.yaml', {
        BACKEND: `${gateway.address}:${BACKEND_PORT}`,
        BACKEND_INSECURE: 'true',
      })
    const startAgent = (): ChildProcess =>
      startCollector(agent, 'agent.yaml', { GATEWAY: `${gateway.address}:4317`, GATEWAY_INSECURE: 'true' })
    let gatewayProcess = startGateway()
    let agentProcess = startAgent()
    const stream = startApplication(application, `http://${agent.address}:4317`, directory)
    const arrival = async (): Promise<void> => {
      // Records that were logged after the fault.
      const count = stream.created() + 200
      await vi.waitFor(() => expect(ledger.arrived()).toBeGreaterThan(count), WAIT_OPTIONS)
    }
    await arrival()

    for (const host of [application, agent, gateway]) {
      host.limitBandwidth(KILOBITS)
      host.dropPackets(DROP_PROBABILITY)
    }
    await arrival()

    gateway.unplug()
    await delay(CUT_MILLIS)
    const backlog = stream.created() - ledger.arrived()
    gateway.plug()
    await arrival()

    // The agent dies with requests that the gateway has not answered.
    gateway.unplug()
    await delay(2000)
    agent.unplug()
    await endCollector(agentProcess)
    await delay(CUT_MILLIS / 5)
    agent.plug()
    gateway.plug()
    agentProcess = startAgent()
    await arrival()

    gateway.unplug()
    await endCollector(gatewayProcess)
    await delay(CUT_MILLIS / 5)
    gateway.plug()
    gatewayProcess = startGateway()
    await arrival()

    const stats = await stream.end()
    reportCounts(`hosts, cut for ${CUT_MILLIS / 1000} s`, stats, {
      backlog,
      arrived: ledger.arrived(),
      duplicates: ledger.duplicates(),
      'packets dropped': agent.droppedPackets() + gateway.droppedPackets() + application.droppedPackets(),
      'packets delayed': application.delayedPackets() + agent.delayedPackets(),
    })
    expect(ledger.missing(stats.created)).toEqual([])
    expect(stats).toMatchObject({ delivered: stats.created, dropped: NOTHING })
    // The faults took effect.
    expect(backlog).toBeGreaterThan(CUT_MILLIS / 20)
    expect(agent.droppedPackets()).toBeGreaterThan(0)
    expect(gateway.droppedPackets()).toBeGreaterThan(0)
    expect(application.delayedPackets()).toBeGreaterThan(0)
  },
)
