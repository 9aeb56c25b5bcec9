import type { JSX } from 'preact'
import { addFilter, address, setParams } from '../address.ts'
import { flatten, valueText } from '../format.ts'
import { columnsOf, columnsParam, toggleColumn } from '../logs/columns.ts'
import type { Attributes, Value } from '../model.ts'
import { termOf } from '../terms.ts'

export interface ValueActionsProps {
  /** Field in a query. */
  field: string
  value: Value
  /** Column of the list that the field can become. */
  column?: string | undefined
  /** View that the filter is for. */
  path?: string | undefined
}

/** Buttons that filter by a value, or add its field as a column. */
export function ValueActions({ field, value, column, path }: ValueActionsProps): JSX.Element {
  const term = termOf(field, value)
  const columns = columnsOf(address.value.params)
  return (
    <span class="actions">
      {term !== undefined && (
        <>
          <button
            type="button"
            title="Only this"
            aria-label={`Only ${field} of this value`}
            onClick={() => addFilter(term, path)}
          >
            =
          </button>
          <button
            type="button"
            title="Not this"
            aria-label={`Not ${field} of this value`}
            onClick={() => addFilter(`-${term}`, path)}
          >
            ≠
          </button>
        </>
      )}
      {column !== undefined && (
        <button
          type="button"
          title={columns.includes(column) ? 'Remove column' : 'Add column'}
          aria-label={columns.includes(column) ? `Remove the column ${column}` : `Add the column ${column}`}
          onClick={() => setParams({ columns: columnsParam(toggleColumn(columns, column)) })}
        >
          {columns.includes(column) ? '−' : '+'}
        </button>
      )}
    </span>
  )
}

export interface AttributesTableProps {
  title: string
  attributes: Attributes
  /** Prefix of the fields in a query. */
  source: 'attr' | 'resource' | 'scope'
  /** View that the filters are for. */
  path?: string | undefined
  hasColumns?: boolean
}

/** Attributes with their actions. */
export function AttributesTable(props: AttributesTableProps): JSX.Element | null {
  const { title, attributes, source, path, hasColumns = false } = props
  const rows = flatten(attributes)
  if (rows.length === 0) return null
  return (
    <section>
      <h3>{title}</h3>
      <dl class="values">
        {rows.map(({ key, value }) => (
          <div key={key} class="value">
            <dt>{key}</dt>
            <dd>
              <span class={`value-text is-${value === null ? 'null' : typeof value}`}>
                {valueText(value)}
              </span>
              <ValueActions
                field={`${source}.${key}`}
                value={value}
                path={path}
                column={hasColumns && !key.includes(',') ? `${source}.${key}` : undefined}
              />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
