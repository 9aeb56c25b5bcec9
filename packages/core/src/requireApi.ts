import { LogbridgeError } from '@logbridge/bridge'

/**
 * Refuses `@opentelemetry/api` before 1.10, which has no Logs API. `tsup.config.ts` calls this with the API before the package runs.
 *
 * @throws LogbridgeError `MISSING_PEER`
 */
export function requireApi(api: { readonly logs?: unknown }): void {
  if (api.logs !== undefined) return
  throw new LogbridgeError(
    'MISSING_PEER',
    '@logbridge/core needs @opentelemetry/api 1.10 or later, and finds an older one, which OpenTelemetry SDK 2.x installs. ' +
      'Run npm install @opentelemetry/api@latest and update the SDK to 3.x; or, with SDK 2.x, leave out @logbridge/core: the ' +
      'adapters send to that SDK',
  )
}
