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
import { defaultServiceName, runtimeDetector } from './runtime.ts'
import { RESOURCE, RESOURCE_DETECTORS } from './optionTable.ts'
import {
  anyText,
  checkOptionsAt,
  type Environment,
  type OptionType,
  parsePairs,
  readVariable,
  resolveList,
  rulesOf,
} from './settings.ts'

type DetectorName = Exclude<(typeof RESOURCE_DETECTORS.words)[number], 'all'>

/**
 * Detectors by their names in `OTEL_NODE_RESOURCE_DETECTORS`: the names of both NodeSDK and startNodeSDK. `env` has no
 * detector because variables are always read; `service` means `serviceinstance`.
 */
const DETECTORS: Readonly<Record<DetectorName, readonly ResourceDetector[]>> = {
  env: [],
  host: [hostDetector],
  os: [osDetector],
  process: [processDetector, runtimeDetector],
  service: [serviceInstanceIdDetector],
  serviceinstance: [serviceInstanceIdDetector],
}

const attributePairs: OptionType<Record<string, string>> = {
  accepts: 'a list of key=value pairs, separated by commas and percent-encoded',
  test: rules.object.test,
  parse: parsePairs,
}

const attributeValue: OptionRule = {
  accepts: 'a string, a number, a boolean, or an array of strings, numbers, or booleans',
  test: (value) =>
    Array.isArray(value) ? value.every((item) => item == null || isPrimitive(item)) : isPrimitive(value),
}

function isPrimitive(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/**
 * Builds the resource of all signals. Precedence, lowest first: detected attributes, `OTEL_RESOURCE_ATTRIBUTES`,
 * `OTEL_SERVICE_NAME`, `resource`, `serviceName`. NodeSDK differs: there detected attributes take precedence over set ones.
 *
 * Some detected attributes (`host.id`) may still be pending. `service.instance.id` is random for each process and each worker
 * thread unless it is set. Child processes and workers inherit an id of `OTEL_RESOURCE_ATTRIBUTES`.
 * @param ownInstanceId makes an inherited id unique
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveResource(
  options: ResourceOptions,
  env: Environment,
  ownInstanceId: (inherited: string) => string = (inherited) => inherited,
): Resource {
  const { serviceName, resource = {} } = options
  checkOptionsAt('', { serviceName, resource }, rulesOf(RESOURCE))
  checkOptionsAt(
    'resource',
    resource,
    Object.fromEntries(Object.keys(resource).map((key) => [key, attributeValue])),
  )

  const fromVariables: Record<string, string> = {
    ...readVariable(env, RESOURCE.resource.variables, attributePairs),
  }
  const serviceNameVariable = readVariable(env, RESOURCE.serviceName.variables, anyText)
  if (serviceNameVariable !== undefined) fromVariables['service.name'] = serviceNameVariable
  const inheritedId = fromVariables['service.instance.id']
  if (inheritedId !== undefined) fromVariables['service.instance.id'] = ownInstanceId(inheritedId)
  const fromOptions = Object.fromEntries(Object.entries(resource).filter(([, value]) => value !== undefined))
  if (serviceName !== undefined) fromOptions['service.name'] = serviceName

  return defaultResource()
    .merge(defaultServiceName())
    .merge(detectResources({ detectors: resolveDetectors(env).map(withTimeLimit) }))
    .merge(resourceFromAttributes(fromVariables))
    .merge(resourceFromAttributes(fromOptions))
}

function resolveDetectors(env: Environment): ResourceDetector[] {
  const names = resolveList(RESOURCE_DETECTORS, env)
  return names.flatMap((name) => (name === 'all' ? Object.values(DETECTORS).flat() : DETECTORS[name]))
}

/** Limits the time of each pending attribute, because the SDK exports no span while an attribute is pending. */
function withTimeLimit(detector: ResourceDetector): ResourceDetector {
  return {
    detect(config) {
      const { attributes = {}, ...rest } = detector.detect(config)
      const limited = Object.entries(attributes).map(([name, value]) => [
        name,
        value instanceof Promise ? withinDetection(value).over : value,
      ])
      return { ...rest, attributes: Object.fromEntries(limited) }
    },
  }
}
