import { startupSnapshot } from 'node:v8'
import { LogbridgeError } from '@logbridge/bridge'
import { type NodeVersion, requireNode } from '@logbridge/bridge/internal'

/** Least version of Node.js. `engines` of package.json and the check of `@logbridge/auto` have the same. */
const NODE: NodeVersion = [22, 15]

/**
 * Refuses to start on a Node.js that is too old, and while Node.js builds a startup snapshot (`node --build-snapshot`): all processes of a
 * snapshot would share one instance id, and timers and connections do not survive a snapshot.
 *
 * @param what name of the call for the message
 * @throws LogbridgeError `NODE_VERSION`, `STARTUP_SNAPSHOT`
 */
export function checkStart(what: string): void {
  requireNode('@logbridge/core', NODE)
  if (!startupSnapshot.isBuildingSnapshot()) return
  throw new LogbridgeError(
    'STARTUP_SNAPSHOT',
    `${what} cannot be part of a startup snapshot: load @logbridge/core and call it in the function that is given to ` +
      'v8.startupSnapshot.setDeserializeMainFunction(), so that each process has its own',
  )
}
