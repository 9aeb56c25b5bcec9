import { warnOnce } from '@logbridge/bridge/internal'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'
import { type Environment, type OptionType, readVariable, enumOf } from './settings.ts'

const ratio: OptionType<number> = {
  accepts: 'a number from 0 to 1',
  test: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  parse: Number,
}

/**
 * Creates the sampler that `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` name. Returns `undefined` for the SDK's default,
 * `parentbased_always_on`.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
 */
export function resolveSampler(env: Environment): Sampler | undefined {
  const name = readVariable(
    env,
    ['OTEL_TRACES_SAMPLER'],
    enumOf(
      'always_on',
      'always_off',
      'traceidratio',
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
    ),
  )
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler()
    case 'always_off':
      return new AlwaysOffSampler()
    case 'traceidratio':
      return ratioSampler(env)
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() })
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() })
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: ratioSampler(env) })
    case undefined:
      return undefined
  }
}

function ratioSampler(env: Environment): Sampler {
  const samplingRatio = readVariable(env, ['OTEL_TRACES_SAMPLER_ARG'], ratio)
  if (samplingRatio === undefined) {
    warnOnce('OTEL_TRACES_SAMPLER_ARG', 'OTEL_TRACES_SAMPLER_ARG is not set: every trace is sampled')
  }
  return new TraceIdRatioBasedSampler(samplingRatio ?? 1)
}
