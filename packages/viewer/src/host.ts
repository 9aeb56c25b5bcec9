import { isIP } from 'node:net'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
const WILDCARDS = new Set(['0.0.0.0', '::'])

/**
 * Creates a check of a request's Host header or `:authority` against DNS rebinding: web pages whose own name resolves to this
 * machine.
 *
 * Accepts the names of the loopback address and the listen address, exactly. Accepts any port, because a forwarded port has
 * another number. Accepts any name when `listenAddress` is a wildcard.
 *
 * @param allowedHosts further names; a port in them is ignored
 */
export function createHostCheck(
  listenAddress: string,
  allowedHosts: readonly string[] = [],
): (host: string | undefined) => boolean {
  const listenName = isIP(listenAddress) === 6 ? `[${listenAddress}]` : listenAddress
  const allowedNames = allowedHosts.map((host) => host.toLowerCase().replace(/:\d+$/, ''))
  const names = new Set([...LOOPBACK, listenName.toLowerCase(), ...allowedNames])
  const acceptsAnyName = WILDCARDS.has(listenAddress)
  return (host) => {
    const name = /^(?<name>\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host ?? '')?.groups!['name']
    return name !== undefined && (acceptsAnyName || names.has(name.toLowerCase()))
  }
}
