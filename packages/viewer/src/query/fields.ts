/** Signals that a query selects from. */
export type Signal = 'logs' | 'spans' | 'metrics'

/** Kind of a field: its column and how its values are compared. */
export interface Field {
  readonly kind: 'json' | 'text' | 'id' | 'severity' | 'time' | 'since' | 'until' | 'duration' | 'exception'
  /** SQL expression. */
  readonly column: string
}

const SHARED: Readonly<Record<string, Field>> = {
  time: { kind: 'time', column: 'record.time' },
  since: { kind: 'since', column: 'record.time' },
  until: { kind: 'until', column: 'record.time' },
  service: { kind: 'text', column: 'resource.service' },
  scope: { kind: 'text', column: 'scope.name' },
  logger: { kind: 'text', column: 'scope.name' },
}

const TRACED: Readonly<Record<string, Field>> = {
  trace: { kind: 'id', column: 'record.trace_id' },
  span: { kind: 'id', column: 'record.span_id' },
}

/** Fields by name. Any other name is an attribute. */
export const FIELDS: Readonly<Record<Signal, ReadonlyMap<string, Field>>> = {
  logs: fields({
    ...SHARED,
    ...TRACED,
    level: { kind: 'severity', column: 'record.severity' },
    severity: { kind: 'severity', column: 'record.severity' },
    body: { kind: 'json', column: 'record.body' },
    msg: { kind: 'json', column: 'record.body' },
    message: { kind: 'json', column: 'record.body' },
    event: { kind: 'text', column: 'record.event_name' },
    exception: { kind: 'exception', column: 'record.attributes' },
  }),
  spans: fields({
    ...SHARED,
    ...TRACED,
    parent: { kind: 'id', column: 'record.parent_id' },
    name: { kind: 'text', column: 'record.name' },
    kind: { kind: 'text', column: 'record.kind' },
    status: { kind: 'text', column: 'record.status' },
    duration: { kind: 'duration', column: 'record.duration' },
    events: { kind: 'json', column: 'record.events' },
  }),
  metrics: fields({
    ...SHARED,
    name: { kind: 'text', column: 'record.name' },
    unit: { kind: 'text', column: 'record.unit' },
    type: { kind: 'text', column: 'record.type' },
  }),
}

/** SQL expressions of JSON and plain text that a bare word is searched in. */
export const SEARCHED: Readonly<Record<Signal, { json: readonly string[]; text: readonly string[] }>> = {
  logs: { json: ['record.body', 'record.attributes'], text: ['scope.name'] },
  spans: { json: ['record.attributes', 'record.events'], text: ['record.name', 'scope.name'] },
  metrics: { json: ['record.attributes'], text: ['record.name', 'scope.name'] },
}

/** Attributes of an exception, which the field `exception` reads. */
export const EXCEPTION_KEYS: readonly string[] = [
  'exception.type',
  'exception.message',
  'exception.stacktrace',
]

function fields(byName: Readonly<Record<string, Field>>): ReadonlyMap<string, Field> {
  return new Map(Object.entries(byName))
}
