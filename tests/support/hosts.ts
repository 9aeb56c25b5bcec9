import { type ChildProcess, execFileSync, spawn, type SpawnOptions } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Host of a small network: a network namespace of Linux, with an own address. */
export interface Host {
  readonly name: string
  /** IPv4 address, such as `10.99.0.1`. */
  readonly address: string
  /** Starts a program on the host. The program ends with the network at the latest. */
  spawn(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess
  /** Limits the traffic that the host sends, in kilobits a second. */
  limitBandwidth(kilobits: number): void
  /** Drops arriving packets at random, with a probability from 0 to 1. */
  dropPackets(probability: number): void
  /** Returns the number of packets that were dropped at random. */
  droppedPackets(): number
  /** Returns how often the limited bandwidth delayed a packet. */
  delayedPackets(): number
  /** Pulls the cable out: packets of both directions vanish, and neither end notices. */
  unplug(): void
  plug(): void
}

/** Hosts at one switch. */
export interface Network<Name extends string> {
  readonly hosts: Readonly<Record<Name, Host>>
  /** Kills the programs of all hosts, and removes the hosts. */
  remove(): void
}

const PREFIX = 'logbridge'
const SUBNET = '10.99.0'
/** Bytes that a host may send at once before its bandwidth is limited. */
const BURST_BYTES = 16 * 1024

/**
 * Tries whether this process can make hosts.
 *
 * @returns a sentence that says what is missing, or `undefined`
 */
export function missingForHosts(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux'
  const missing = ['ip', 'tc', 'iptables'].filter((command) => !isInstalled(command))
  if (missing.length > 0) return `not installed: ${missing.join(', ')} (apt-get install iproute2 iptables)`
  const name = `${PREFIX}-${process.pid}-probe`
  const inside = ['netns', 'exec', name]
  try {
    runCommand('ip', 'netns', 'add', name)
    runCommand('ip', ...inside, 'iptables', '-A', 'INPUT', ...dropAtRandom(0.5))
    runCommand('ip', ...inside, 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', ...limitTo(1000))
    return undefined
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    return `network faults need root, tbf, and the match statistic: ${stderr?.trim().split('\n')[0]}`
  } finally {
    namespaces(name).forEach(removeNamespace)
  }
}

/** Arguments of iptables. */
function dropAtRandom(probability: number): string[] {
  return ['-m', 'statistic', '--mode', 'random', '--probability', String(probability), '-j', 'DROP']
}

/** Arguments of `tc qdisc`. */
function limitTo(kilobits: number): string[] {
  return ['tbf', 'rate', `${kilobits}kbit`, 'burst', String(BURST_BYTES), 'latency', '400ms']
}

function isInstalled(command: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin']
  return folders.some((folder) => existsSync(`${folder}/${command}`))
}

function runCommand(command: string, ...args: string[]): string {
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` }
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env })
}

/** Returns the names of all network namespaces that begin with `prefix`. */
function namespaces(prefix: string): string[] {
  const names = runCommand('ip', 'netns', 'list').split('\n')
  return names.map((line) => line.split(' ')[0]!).filter((name) => name.startsWith(prefix))
}

/** Kills the programs in a namespace and removes the namespace, with its ends of cables. */
function removeNamespace(name: string): void {
  for (const pid of runCommand('ip', 'netns', 'pids', name).split('\n')) {
    if (pid !== '') kill(Number(pid))
  }
  runCommand('ip', 'netns', 'del', name)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // The program has ended.
  }
}

/** Removes the namespaces of test processes that were killed. */
function removeLeftovers(): void {
  for (const name of namespaces(`${PREFIX}-`)) {
    const owner = /^\w+-(\d+)-/.exec(name)?.[1]
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) removeNamespace(name)
  }
}

/**
 * Makes hosts that reach each other through a switch, and nothing else. Each host, and the switch, is a network namespace; the network
 * of this machine is unchanged.
 *
 * @throws Error with the output of `ip`, when a host cannot be made
 */
export function createNetwork<Name extends string>(names: readonly Name[]): Network<Name> {
  removeLeftovers()
  const prefix = `${PREFIX}-${process.pid}-`
  const switchName = `${prefix}switch`
  const remove = (): void => namespaces(prefix).forEach(removeNamespace)
  try {
    runCommand('ip', 'netns', 'add', switchName)
    runCommand('ip', '-n', switchName, 'link', 'add', 'bridge', 'type', 'bridge')
    runCommand('ip', '-n', switchName, 'link', 'set', 'bridge', 'up')
    const hosts = names.map((name, index) => [name, createHost(prefix, switchName, name, index + 1)])
    return { hosts: Object.fromEntries(hosts) as Record<Name, Host>, remove }
  } catch (error) {
    remove()
    throw error
  }
}

function createHost(prefix: string, switchName: string, name: string, index: number): Host {
  const namespace = `${prefix}${name}`
  const port = `port${index}`
  const address = `${SUBNET}.${index}`
  const inside = (...args: string[]): string => runCommand('ip', 'netns', 'exec', namespace, ...args)
  const setPort = (state: string): void =>
    void runCommand('ip', '-n', switchName, 'link', 'set', port, ...state.split(' '))

  runCommand('ip', 'netns', 'add', namespace)
  const cable = [port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]
  runCommand('ip', '-n', switchName, 'link', 'add', ...cable)
  setPort('master bridge')
  setPort('up')
  inside('ip', 'link', 'set', 'lo', 'up')
  inside('ip', 'address', 'add', `${address}/24`, 'dev', 'eth0')
  inside('ip', 'link', 'set', 'eth0', 'up')

  return {
    name,
    address,
    spawn: (command, args, options = {}) =>
      spawn('ip', ['netns', 'exec', namespace, command, ...args], {
        ...options,
        env: { ...process.env, ...options.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
      }),
    limitBandwidth(kilobits) {
      inside('tc', 'qdisc', 'replace', 'dev', 'eth0', 'root', ...limitTo(kilobits))
    },
    dropPackets(probability) {
      inside('iptables', '-A', 'INPUT', '-i', 'eth0', ...dropAtRandom(probability))
    },
    droppedPackets() {
      const rules = inside('iptables', '-nvxL', 'INPUT').matchAll(/^ *(\d+) +\d+ DROP/gm)
      return Array.from(rules, ([, packets]) => Number(packets)).reduce((sum, packets) => sum + packets, 0)
    },
    delayedPackets() {
      const statistics = inside('tc', '-s', 'qdisc', 'show', 'dev', 'eth0')
      return Number(/overlimits (\d+)/.exec(statistics)?.[1] ?? 0)
    },
    unplug: () => setPort('nomaster'),
    plug: () => setPort('master bridge'),
  }
}
