import { basename } from 'node:path'
import type { Resource, ResourceDetector } from '@opentelemetry/resources'
import { resourceFromAttributes } from '@opentelemetry/resources'

/**
 * Returns the default of `service.name`: `unknown_service:` and the base name of the executable. The SDK takes `process.argv0`, which is a
 * path in a child of `fork`, so that parent and child would be two services.
 * https://opentelemetry.io/docs/specs/semconv/resource/service/
 */
export function defaultServiceName(): Resource {
  return resourceFromAttributes({ 'service.name': `unknown_service:${basename(process.argv0)}` })
}

/** Detects Bun and Deno, which the SDK names `nodejs`. https://opentelemetry.io/docs/specs/semconv/resource/process/ */
export const runtimeDetector: ResourceDetector = {
  detect() {
    const { bun, deno } = process.versions
    const version = bun ?? deno
    if (version === undefined) return {}
    const name = bun === undefined ? 'deno' : 'bun'
    const description = bun === undefined ? 'Deno' : 'Bun'
    return {
      attributes: {
        'process.runtime.name': name,
        'process.runtime.version': version,
        'process.runtime.description': description,
      },
    }
  },
}
