import { useComputed, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { parseQuery, QueryError, splitQuery } from '../../src/query/query.ts'
import { address, filtersOf, go, queryOf, withFilters, type Filter } from '../address.ts'
import { formatClock } from '../format.ts'
import { rangeOf } from '../terms.ts'

export interface QueryBarProps {
  placeholder: string
  /** Error of the viewer about the filters. */
  error: Error | undefined
  /** Terms that the browser suggests. */
  suggestions?: readonly string[]
}

const SUGGESTION_LIMIT = 100

/** Input of a query, whose terms become chips. */
export function QueryBar({ placeholder, error, suggestions = [] }: QueryBarProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null)
  const problem = useSignal<{ text: string; error: QueryError } | undefined>(undefined)
  const filters = useComputed(() => filtersOf(address.value.params))

  function apply(next: readonly Filter[]): void {
    const { path, params } = address.value
    go(path, withFilters(params, next))
  }

  function submit(): void {
    const text = input.current!.value
    try {
      const terms = splitQuery(text).map((term) => ({ text: term, isOn: true }))
      const kept = filters.value.filter((each) => !terms.some((term) => term.text === each.text))
      problem.value = undefined
      input.current!.value = ''
      if (terms.length > 0) apply([...kept, ...terms])
    } catch (reason) {
      if (!(reason instanceof QueryError)) throw reason
      problem.value = { text, error: reason }
      input.current!.setSelectionRange(reason.location.start, reason.location.end)
    }
  }

  function edit(filter: Filter): void {
    apply(filters.value.filter((each) => each !== filter))
    input.current!.value = filter.text
    input.current!.focus()
  }

  function keyDown(event: KeyboardEvent): void {
    if (event.key === 'Enter') submit()
    const last = filters.value.at(-1)
    if (event.key === 'Backspace' && input.current!.value === '' && last !== undefined) {
      event.preventDefault()
      edit(last)
    }
  }

  // A term that is corrected needs no message. An error is shown by Enter, because a term is incomplete while it is typed.
  function changed(): void {
    if (problem.value === undefined) return
    try {
      parseQuery(input.current!.value)
      problem.value = undefined
    } catch (reason) {
      if (reason instanceof QueryError) problem.value = { text: input.current!.value, error: reason }
    }
  }

  const shownProblem =
    problem.value ?? (error instanceof QueryError ? { text: queryOf(filters.value), error } : undefined)
  return (
    <div class="query" role="search">
      <label class="query-box">
        <span class="hidden">Query</span>
        <input
          id="query"
          ref={input}
          type="search"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder={placeholder}
          list="query-suggestions"
          aria-invalid={shownProblem !== undefined}
          aria-describedby="query-error"
          onKeyDown={keyDown}
          onInput={changed}
        />
        <kbd aria-hidden="true">/</kbd>
      </label>
      <datalist id="query-suggestions">
        {suggestions.slice(0, SUGGESTION_LIMIT).map((text) => (
          <option key={text} value={text} />
        ))}
      </datalist>
      <div id="query-error" role="alert">
        {shownProblem === undefined ? (
          error !== undefined && <p class="error">{error.message}</p>
        ) : (
          <QueryProblem {...shownProblem} />
        )}
      </div>
      {filters.value.length > 0 && (
        <ul class="chips" aria-label="Filters">
          {filters.value.map((filter) => (
            <Chip
              key={filter.text}
              filter={filter}
              onEdit={() => edit(filter)}
              onToggle={() =>
                apply(filters.value.map((each) => (each === filter ? { ...each, isOn: !each.isOn } : each)))
              }
              onRemove={() => apply(filters.value.filter((each) => each !== filter))}
            />
          ))}
          {filters.value.length > 1 && (
            <li>
              <button type="button" class="quiet" onClick={() => apply([])}>
                Clear all
              </button>
            </li>
          )}
        </ul>
      )}
    </div>
  )
}

interface ChipProps {
  filter: Filter
  onEdit(): void
  onToggle(): void
  onRemove(): void
}

function Chip({ filter, onEdit, onToggle, onRemove }: ChipProps): JSX.Element {
  const { text, isOn } = filter
  return (
    <li class={`chip ${isOn ? '' : 'is-off'}`}>
      <input
        type="checkbox"
        checked={isOn}
        aria-label={`Use the filter ${text}`}
        title={isOn ? 'Switch off' : 'Switch on'}
        onChange={onToggle}
      />
      <button type="button" class="chip-text" title={`Edit ${text}`} onClick={onEdit}>
        {chipText(text)}
      </button>
      <button type="button" aria-label={`Remove the filter ${text}`} title="Remove" onClick={onRemove}>
        ×
      </button>
    </li>
  )
}

function chipText(text: string): string {
  const range = rangeOf(text)
  if (range === undefined) return text
  const isLong = range.to - range.from > 86_400_000
  return `${formatClock(range.from, isLong)} – ${formatClock(range.to, isLong)}`
}

/** Message about a query with the wrong characters marked. */
function QueryProblem({ text, error }: { text: string; error: QueryError }): JSX.Element {
  const { start, end } = error.location
  return (
    <p class="error">
      <code>
        {text.slice(0, start)}
        <mark>{text.slice(start, end) || '␣'}</mark>
        {text.slice(end)}
      </code>{' '}
      {error.message}
    </p>
  )
}

/** Puts the focus on the query of the view. */
export function focusQuery(): void {
  const input = document.querySelector<HTMLInputElement>('#query')
  input?.focus()
  input?.select()
}

/** Returns the query of the filters in the address. */
export function useQuery(): string {
  return useComputed(() => queryOf(filtersOf(address.value.params))).value
}
