import { AlwaysOnSampler } from '@opentelemetry/sdk-trace'
import { describe, expect, test } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { resolved } from './resolved.ts'

const warnings = capturedWarnings()

describe('resolveSampler', () => {
  test.each([
    ['always_on', undefined, 'AlwaysOnSampler'],
    ['always_off', undefined, 'AlwaysOffSampler'],
    ['traceidratio', '0.25', 'TraceIdRatioBased{0.25}'],
    ['parentbased_always_on', undefined, /^ParentBased\{root=AlwaysOnSampler,/],
    ['parentbased_always_off', undefined, /^ParentBased\{root=AlwaysOffSampler,/],
    ['parentbased_traceidratio', '0.5', /^ParentBased\{root=TraceIdRatioBased\{0\.5\},/],
  ])('%s %s', (name, argument, description) => {
    const env = { OTEL_TRACES_SAMPLER: name, ...(argument && { OTEL_TRACES_SAMPLER_ARG: argument }) }
    expect(String(resolved('traces.sampler', {}, env))).toMatch(description)
    expect(warnings).toEqual([])
  })

  test('returns the default, or a sampler of every trace, with a warning when a variable is invalid', () => {
    expect(resolved('traces.sampler', {}, { OTEL_TRACES_SAMPLER: 'jaeger_remote' })).toBeUndefined()
    expect(warnings[0]).toContain('OTEL_TRACES_SAMPLER is ignored')
    const env = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1.5' }
    expect(String(resolved('traces.sampler', {}, env))).toBe('TraceIdRatioBased{1}')
    expect(warnings[1]).toContain("OTEL_TRACES_SAMPLER_ARG is ignored: '1.5'")
  })

  test('leaves the sampler of the option when a variable is set, too', () => {
    const sampler = new AlwaysOnSampler()
    expect(resolved('traces.sampler', { traces: { sampler } }, { OTEL_TRACES_SAMPLER: 'always_off' })).toBe(
      sampler,
    )
  })
})
