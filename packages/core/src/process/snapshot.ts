import { startupSnapshot } from 'node:v8'
import { LogbridgeError } from '@logbridge/bridge'

/**
 * Refuses to run while Node.js builds a startup snapshot (`node --build-snapshot`). All processes of a snapshot would share one
 * instance id, and timers and connections do not survive a snapshot.
 *
 * @param what name of the call for the message
 * @throws LogbridgeError `STARTUP_SNAPSHOT`
 */
export function refuseInSnapshot(what: string): void {
  if (!startupSnapshot.isBuildingSnapshot()) return
  throw new LogbridgeError(
    'STARTUP_SNAPSHOT',
    `${what} cannot be part of a startup snapshot: load @logbridge/core and call it in the function that is given to ` +
      'v8.startupSnapshot.setDeserializeMainFunction(), so that each process has its own',
  )
}
