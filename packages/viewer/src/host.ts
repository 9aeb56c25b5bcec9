import { isIP } from 'node:net'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
const WILDCARDS = new Set(['0.0.0.0', '::'])

/**
 * Creates the check of the name that a request was sent to, from its Host header or `:authority`. It keeps out pages of
 * the web whose own name was made to resolve to this machine (DNS rebinding).
 *
 * Accepted are the names of the loopback address and the address that is listened on, exactly, with any port, because
 * a forwarded port is another one. Whoever listens on all addresses is reached by any name.
 */
export function createHostCheck(listensOn: string): (host: string | undefined) => boolean {
  const own = isIP(listensOn) === 6 ? `[${listensOn}]` : listensOn
  const names = new Set([...LOOPBACK, own.toLowerCase()])
  const any = WILDCARDS.has(listensOn)
  return (host) => {
    const name = /^(?<name>\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host ?? '')?.groups!['name']
    return name !== undefined && (any || names.has(name.toLowerCase()))
  }
}
