import { startupSnapshot } from 'node:v8'
import { LogbridgeError } from '@logbridge/bridge'

/**
 * Many processes start from one startup snapshot (`node --build-snapshot`): they would share an instance id and what has been
 * logged, and no timer and no connection survives in it.
 * @param what that may not be started
 * @throws LogbridgeError `startup-snapshot`
 */
export function refuseInSnapshot(what: string): void {
  if (!startupSnapshot.isBuildingSnapshot()) return
  throw new LogbridgeError(
    'startup-snapshot',
    `${what} cannot be part of a startup snapshot, from which several processes may start: call it in the function ` +
      'that is given to v8.startupSnapshot.addDeserializeCallback() or setDeserializeMainFunction()',
  )
}
