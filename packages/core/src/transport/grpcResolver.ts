import dns from 'node:dns'
import { isIP } from 'node:net'
import type { GrpcAddress, GrpcTarget } from '../config/grpcTarget.ts'

/** Minimum interval between two lookups, in milliseconds. */
const MIN_INTERVAL_MILLIS = 1000

/** Resolves the names of a target, again after a connection has ended or failed, because the receiver may have moved. */
export class GrpcResolver {
  private readonly target: GrpcTarget
  private readonly hasNames: boolean
  private known: readonly GrpcAddress[] | undefined
  private freshUntil = -Infinity
  private lookup: Promise<readonly GrpcAddress[]> | undefined

  /** @param looksUp false to keep names as they are */
  constructor(target: GrpcTarget, looksUp: boolean) {
    this.target = target
    this.hasNames = looksUp && target.addresses.some(isName)
    if (this.hasNames) return
    this.known = target.addresses
    this.freshUntil = Infinity
  }

  /** True when `resolve` looks names up. */
  get isExpired(): boolean {
    return performance.now() >= this.freshUntil
  }

  /** @param isUrgent lets the next call of `resolve` look names up in any case */
  expire(isUrgent: boolean): void {
    if (!this.hasNames) return
    this.freshUntil = isUrgent
      ? -Infinity
      : Math.min(this.freshUntil, performance.now() + MIN_INTERVAL_MILLIS)
  }

  /**
   * Returns the addresses of the target. Keeps the addresses before while names cannot be looked up.
   * @throws Error of the lookup
   */
  async resolve(): Promise<readonly GrpcAddress[]> {
    if (this.known !== undefined && !this.isExpired) return this.known
    this.lookup ??= this.lookUp().finally(() => {
      this.lookup = undefined
    })
    return await this.lookup
  }

  private async lookUp(): Promise<readonly GrpcAddress[]> {
    const { addresses, dnsServer } = this.target
    this.freshUntil = Infinity
    try {
      const found = await Promise.all(addresses.map((address) => lookUpAll(address, dnsServer)))
      this.known = found.flat()
    } catch (error) {
      this.freshUntil = performance.now() + MIN_INTERVAL_MILLIS
      if (this.known === undefined) throw error
    }
    return this.known
  }
}

function isName(address: GrpcAddress): boolean {
  return 'host' in address && isIP(address.host) === 0
}

async function lookUpAll(address: GrpcAddress, dnsServer: string | undefined): Promise<GrpcAddress[]> {
  if ('path' in address || !isName(address)) return [address]
  const { host, port } = address
  const hosts = dnsServer === undefined ? await askSystem(host) : await askServer(host, dnsServer)
  return Array.from(new Set(hosts), (each) => ({ host: each, port }))
}

async function askSystem(name: string): Promise<string[]> {
  const found = await dns.promises.lookup(name, { all: true })
  return found.map(({ address }) => address)
}

async function askServer(name: string, server: string): Promise<string[]> {
  const resolver = new dns.promises.Resolver()
  resolver.setServers([server])
  const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
  const hosts = [ipv4, ipv6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  if (hosts.length > 0) return hosts
  throw ipv4.status === 'rejected' ? ipv4.reason : new Error(`no address of ${name}`)
}
