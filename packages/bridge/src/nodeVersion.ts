import { LogbridgeError } from './error.ts'

/** Least version of Node.js, as major and minor. */
export type NodeVersion = readonly [major: number, minor: number]

/** Least version for adapters: the oldest that `docs/testing.md` tests. */
const ADAPTERS: NodeVersion = [20, 6]

/**
 * Describes a Node.js that is too old: `Node.js 22.15 or later; this is 20.20.2`.
 *
 * @returns `undefined` for a version that is new enough, and for Bun and Deno, whose versions differ
 */
export function oldNode(least: NodeVersion): string | undefined {
  const { node, bun, deno } = process.versions
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const isOld = major < least[0] || (major === least[0] && minor < least[1])
  return isOld && !bun && !deno ? `Node.js ${least.join('.')} or later; this is ${node}` : undefined
}

/**
 * Refuses a Node.js that is too old, whose missing functions would fail in the middle of the work.
 *
 * @param owner package that needs the version, for the message
 * @throws LogbridgeError `NODE_VERSION`
 */
export function requireNode(owner = 'logbridge', least: NodeVersion = ADAPTERS): void {
  const needed = oldNode(least)
  if (needed !== undefined) throw new LogbridgeError('NODE_VERSION', `${owner} needs ${needed}`)
}
