import { type OptionRule, rules } from '@logbridge/bridge'
import {
  defaultResource,
  detectResources,
  hostDetector,
  osDetector,
  processDetector,
  type Resource,
  type ResourceDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources'
import { withinDetection } from './detection.ts'
import type { ResourceOptions } from './options.ts'
import {
  checkOptionsAt,
  type Environment,
  type OptionType,
  parsePairs,
  readList,
  readVariable,
} from './settings.ts'

/** The rules of `ResourceOptions`, for `checkOptionsAt`. */
export const resourceRules: Readonly<Record<keyof ResourceOptions, OptionRule>> = {
  serviceName: rules.string,
  resource: rules.object,
}

/**
 * Names of OTEL_NODE_RESOURCE_DETECTORS, those of NodeSDK and those of startNodeSDK. The variables are always read
 * (`env`), and `service` is `serviceinstance` then.
 */
const DETECTORS: Readonly<Record<string, readonly ResourceDetector[]>> = {
  env: [],
  host: [hostDetector],
  os: [osDetector],
  process: [processDetector],
  service: [serviceInstanceIdDetector],
  serviceinstance: [serviceInstanceIdDetector],
}

const attributePairs: OptionType<Record<string, string>> = {
  accepts: 'a list of key=value pairs, separated by commas and percent-encoded',
  test: rules.object.test,
  parse: parsePairs,
}
const text: OptionType<string> = { ...rules.string, parse: (value) => value }

const attributeValue: OptionRule = {
  accepts: 'a string, a number, a boolean, or an array of one of these',
  test: (value) =>
    Array.isArray(value) ? value.every((item) => item == null || isPrimitive(item)) : isPrimitive(value),
}

function isPrimitive(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/**
 * The resource of all signals. Each of these wins over the one before: what is detected, `OTEL_RESOURCE_ATTRIBUTES`,
 * `OTEL_SERVICE_NAME`, `resource`, `serviceName`. Some detected attributes (`host.id`) may still be pending.
 * `service.instance.id` is random and the process's (the worker's) own, unless it is set; one of
 * `OTEL_RESOURCE_ATTRIBUTES` comes to several processes and workers: `ownInstanceId` tells them apart.
 *
 * NodeSDK would have what is detected win over what the user has set.
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveResource(
  options: ResourceOptions,
  env: Environment,
  ownInstanceId: (inherited: string) => string = (inherited) => inherited,
): Resource {
  const { serviceName, resource = {} } = options
  checkOptionsAt('', { serviceName, resource }, resourceRules)
  checkOptionsAt(
    'resource',
    resource,
    Object.fromEntries(Object.keys(resource).map((key) => [key, attributeValue])),
  )

  const fromVariables: Record<string, string> = {
    ...readVariable(env, ['OTEL_RESOURCE_ATTRIBUTES'], attributePairs),
  }
  const serviceNameVariable = readVariable(env, ['OTEL_SERVICE_NAME'], text)
  if (serviceNameVariable !== undefined) fromVariables['service.name'] = serviceNameVariable
  const inheritedId = fromVariables['service.instance.id']
  if (inheritedId !== undefined) fromVariables['service.instance.id'] = ownInstanceId(inheritedId)
  const given = Object.fromEntries(Object.entries(resource).filter(([, value]) => value !== undefined))
  if (serviceName !== undefined) given['service.name'] = serviceName

  return defaultResource()
    .merge(detectResources({ detectors: resolveDetectors(env).map(bounded) }))
    .merge(resourceFromAttributes(fromVariables))
    .merge(resourceFromAttributes(given))
}

function resolveDetectors(env: Environment): ResourceDetector[] {
  const all = Object.keys(DETECTORS)
  const names = readList(env, 'OTEL_NODE_RESOURCE_DETECTORS', [...all, 'all']) ?? ['all']
  return (names.includes('all') ? all : names).flatMap((name) => DETECTORS[name] ?? [])
}

/** The SDK holds spans back until the last attribute is there: one that never comes is given up. */
function bounded(detector: ResourceDetector): ResourceDetector {
  return {
    detect(config) {
      const { attributes = {}, ...rest } = detector.detect(config)
      const settled = Object.entries(attributes).map(([name, value]) => [
        name,
        value instanceof Promise ? withinDetection(value).over : value,
      ])
      return { ...rest, attributes: Object.fromEntries(settled) }
    },
  }
}
