import { closestName } from '../closestName.ts'
import { FIELDS, type Signal } from './fields.ts'
import { parseQuery, QueryError, type Query } from './query.ts'

/**
 * Asks about a name in a query that finds nothing. A name that is no field is an attribute, so that a mistyped field is no error.
 *
 * @returns the question, or `undefined` when each name is a field or close to none, and for a wrong query
 * @example suggestField('levle=error', 'logs') // 'Did you mean the field level instead of levle?'
 */
export function suggestField(query: string, signal: Signal): string | undefined {
  const names = [...FIELDS[signal].keys()]
  for (const name of namesIn(query)) {
    if (names.includes(name) || name.includes('.')) continue
    const close = closestName(name, names)
    if (close !== undefined) return `Did you mean the field ${close} instead of ${name}?`
  }
  return undefined
}

function namesIn(query: string): string[] {
  try {
    return namesOf(parseQuery(query))
  } catch (error) {
    if (error instanceof QueryError) return []
    throw error
  }
}

function namesOf(query: Query): string[] {
  switch (query.type) {
    case 'and':
    case 'or':
      return query.terms.flatMap(namesOf)
    case 'not':
      return namesOf(query.term)
    case 'compare':
      return [query.field]
    default:
      return []
  }
}
