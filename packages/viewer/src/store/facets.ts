import type { Facets } from './answers.ts'

/** Largest number of fields and of values of one field in the facets. */
const MAX_FIELDS = 20
const MAX_VALUES = 10

/** Counts the values of fields and attributes of records, the most frequent first. */
export function countFacets(
  rows: Iterable<{ service: string; scope: string; severity: number; attributes: string }>,
): Facets {
  const counts = new Map<string, Map<string, number>>()
  const add = (field: string, value: string): void => {
    let values = counts.get(field)
    if (values === undefined) counts.set(field, (values = new Map()))
    values.set(value, (values.get(value) ?? 0) + 1)
  }
  let sampled = 0
  for (const { service, scope, severity, attributes } of rows) {
    sampled += 1
    if (service !== '') add('service', service)
    if (scope !== '') add('scope', scope)
    add('level', String(severity))
    for (const [key, value] of Object.entries(JSON.parse(attributes) as object)) {
      if (typeof value !== 'object' && String(value).length <= 100) add(`attr.${key}`, String(value))
    }
  }
  const fields = [...counts]
    .map(([field, values]) => ({ field, distinct: values.size, values: [...values] }))
    .filter(
      ({ field, distinct }) =>
        !field.startsWith('attr.') || distinct <= sampled / 2 || distinct <= MAX_VALUES,
    )
    .slice(0, MAX_FIELDS)
    .map(({ field, values }) => ({
      field,
      values: values
        .sort(([, a], [, b]) => b - a)
        .slice(0, MAX_VALUES)
        .map(([value, count]) => ({ value, count })),
    }))
  return { sampled, fields }
}
