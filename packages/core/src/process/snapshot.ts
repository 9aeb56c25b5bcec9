import { startupSnapshot } from 'node:v8'
import { LogbridgeError } from '@logbridge/bridge'

/**
 * Many processes start from one startup snapshot (`node --build-snapshot`): they would share an instance id, and no timer and no
 * connection survives in it. Node itself gives up a snapshot in which `node:http2` has been loaded.
 * @param what that may not be started
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
