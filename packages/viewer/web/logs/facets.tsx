import type { JSX } from 'preact'
import { address, addFilter, filtersOf } from '../address.ts'
import { formatCount, formatShort, levelOf } from '../format.ts'
import type { Facets as FacetCounts } from '../model.ts'
import { termOf } from '../terms.ts'

type Field = FacetCounts['fields'][number]

/** Values of fields with their counts. A click adds or removes the filter. */
export function Facets({ facets }: { facets: FacetCounts | undefined }): JSX.Element {
  return (
    <aside class="facets" aria-label="Values" tabIndex={0}>
      {(facets?.fields ?? []).map((field) => (
        <FacetField key={field.field} field={field.field === 'level' ? byLevel(field) : field} />
      ))}
      {facets !== undefined && facets.sampled > 0 && (
        <p class="muted">of the newest {formatCount(facets.sampled)} records</p>
      )}
    </aside>
  )
}

function FacetField({ field: { field, values } }: { field: Field }): JSX.Element {
  const filters = filtersOf(address.value.params)
  return (
    <section>
      <h2 title={field}>{field.replace(/^attr\./, '')}</h2>
      <ul>
        {values.map(({ value, count }) => {
          const term = termOf(field, value)!
          const isOn = filters.some((each) => each.isOn && each.text === term)
          return (
            <li key={value} class={isOn ? 'is-on' : ''}>
              <button
                type="button"
                aria-pressed={isOn}
                title={`Only ${term}`}
                onClick={() => addFilter(term)}
              >
                <span class={field === 'level' ? `facet-value is-${value}` : 'facet-value'}>{value}</span>
                <span class="facet-count">{formatShort(count)}</span>
              </button>
              <button
                type="button"
                class="facet-not"
                title={`Not ${term}`}
                aria-label={`Not ${term}`}
                onClick={() => addFilter(`-${term}`)}
              >
                ≠
              </button>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

/** Adds up the counts of severity numbers by level. */
function byLevel({ field, values }: Field): Field {
  const counts = new Map<string, { value: string; count: number }>()
  for (const { value, count } of [...values].sort((a, b) => Number(b.value) - Number(a.value))) {
    const { name } = levelOf(Number(value))
    const key = name === 'unset' ? '0' : name
    counts.set(key, { value: key, count: (counts.get(key)?.count ?? 0) + count })
  }
  return { field, values: [...counts.values()] }
}
