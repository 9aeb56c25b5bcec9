import type { ReceivedSpan, ReceivedSpanKind } from './model.ts'
import type { ExportTraceServiceRequest, OtlpSpan } from './otlp.ts'
import { toAttributes, toHex, toNanos, toResource, toScope } from './value.ts'

// Names by the number of the OTLP enum.
const kinds: ReceivedSpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const statusCodes = ['unset', 'ok', 'error'] as const

export function countSpans(request: ExportTraceServiceRequest): number {
  let count = 0
  for (const { scopeSpans } of request.resourceSpans) {
    for (const { spans } of scopeSpans) count += spans.length
  }
  return count
}

export function toSpans(request: ExportTraceServiceRequest): ReceivedSpan[] {
  const spans: ReceivedSpan[] = []
  for (const resourceSpans of request.resourceSpans) {
    const resource = toResource(resourceSpans.resource, resourceSpans.schemaUrl)
    for (const scopeSpans of resourceSpans.scopeSpans) {
      const scope = toScope(scopeSpans.scope, scopeSpans.schemaUrl)
      for (const raw of scopeSpans.spans) spans.push(toSpan(raw, resource, scope))
    }
  }
  return spans
}

export function toSpan(
  raw: OtlpSpan,
  resource: ReceivedSpan['resource'],
  scope: ReceivedSpan['scope'],
): ReceivedSpan {
  return {
    resource,
    scope,
    name: raw.name,
    kind: kinds[raw.kind] ?? 'unspecified',
    traceId: toHex(raw.traceId),
    spanId: toHex(raw.spanId),
    parentSpanId: toHex(raw.parentSpanId),
    traceState: raw.traceState,
    flags: raw.flags,
    startTimeUnixNano: toNanos(raw.startTimeUnixNano),
    endTimeUnixNano: toNanos(raw.endTimeUnixNano),
    attributes: toAttributes(raw.attributes),
    droppedAttributesCount: raw.droppedAttributesCount,
    events: raw.events.map((event) => ({
      name: event.name,
      timeUnixNano: toNanos(event.timeUnixNano),
      attributes: toAttributes(event.attributes),
      droppedAttributesCount: event.droppedAttributesCount,
    })),
    droppedEventsCount: raw.droppedEventsCount,
    links: raw.links.map((link) => ({
      traceId: toHex(link.traceId),
      spanId: toHex(link.spanId),
      traceState: link.traceState,
      flags: link.flags,
      attributes: toAttributes(link.attributes),
      droppedAttributesCount: link.droppedAttributesCount,
    })),
    droppedLinksCount: raw.droppedLinksCount,
    status: { code: statusCodes[raw.status?.code ?? 0] ?? 'unset', message: raw.status?.message ?? '' },
    raw,
  }
}
