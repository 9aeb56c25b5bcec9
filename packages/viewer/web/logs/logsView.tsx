import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { readJson } from '../api.ts'
import { address, go, setParams } from '../address.ts'
import { formatCount } from '../format.ts'
import type { Facets as FacetCounts } from '../model.ts'
import { commands } from '../parts/commands.ts'
import { QueryBar, useQuery } from '../parts/queryBar.tsx'
import { useLoaded } from '../parts/useLoaded.ts'
import { useSlowed } from '../parts/useSlowed.ts'
import { settings } from '../settings.ts'
import { termOf } from '../terms.ts'
import { Facets } from './facets.tsx'
import { Histogram } from './histogram.tsx'
import { openLogList, type LogList } from './logList.ts'
import { LogTable } from './logTable.tsx'
import { Patterns } from './patterns.tsx'
import { RecordPanel } from './recordPanel.tsx'
import { LogsToolbar } from './toolbar.tsx'

/** Shortest time between two counts while records arrive. */
const COUNT_MILLIS = 1000
/** Shortest time between two counts of values, which read many records. */
const FACETS_MILLIS = 3000

/** Logs: query, histogram, facets, list, and the record that is open. */
export function LogsView(): JSX.Element {
  const { params } = address.value
  const query = useQuery()
  const around = numberOf(params.get('around'))
  const recordId = numberOf(params.get('record'))
  const isGrouped = params.get('group') === 'message'
  const [counted, count] = useSlowed(COUNT_MILLIS)
  const [facetsCounted, countFacets] = useSlowed(FACETS_MILLIS)
  const isFirst = useRef(true)
  const list = useMemo(() => {
    const shown = around ?? (isFirst.current ? recordId : undefined)
    isFirst.current = false
    const onNew = (): void => {
      count()
      countFacets()
    }
    return openLogList({ query: around === undefined ? query : '', shown, onNew })
  }, [query, around])
  useEffect(() => () => list.close(), [list])
  const facets = useLoaded(
    (aborted) => readJson<FacetCounts>('facets', { q: query || undefined }, aborted),
    [query, facetsCounted],
  )
  const active = useActive(list, recordId)
  const { facets: facetSetting } = settings.value
  return (
    <div class={`logs ${recordId === undefined ? '' : 'has-panel'}`}>
      <h1 class="hidden">Logs</h1>
      <QueryBar
        placeholder='level>=warn service=shop msg~"timed out" -route=/health'
        error={list.error.value}
        suggestions={suggestionsOf(facets.value)}
      />
      <LogsToolbar list={list} query={query} isGrouped={isGrouped} />
      <Histogram query={query} counted={counted} />
      <div class="logs-main">
        {facetSetting === 'shown' && <Facets facets={facets.value} />}
        {isGrouped ? (
          <Patterns query={query} counted={counted} />
        ) : (
          <section class="logs-list" aria-label="Records">
            {around !== undefined && (
              <p class="notice">
                All records around the selected one, whatever the filters.{' '}
                <button type="button" onClick={() => setParams({ around: null })}>
                  Back to the filters
                </button>
              </p>
            )}
            <LogTable
              list={list}
              activeId={active.id.value ?? recordId}
              onOpen={active.open}
              onMove={active.move}
            />
            <NewRecords list={list} />
          </section>
        )}
        {recordId !== undefined && (
          <RecordPanel id={recordId} onClose={() => setParams({ record: null })} onAround={showAround} />
        )}
      </div>
    </div>
  )
}

function showAround(id: number): void {
  setParams({ around: id, group: null })
}

/** Number of records that arrived while the list does not follow. */
function NewRecords({ list }: { list: LogList }): JSX.Element | null {
  const count = list.newCount.value
  if (list.isFollowing.value || count === 0) return null
  const isFirst = settings.value.order === 'newest first'
  return (
    <button
      type="button"
      class={`new-records ${isFirst ? 'at-top' : 'at-end'}`}
      onClick={() => list.follow()}
    >
      {isFirst ? '↑' : '↓'} {formatCount(count)} new
    </button>
  )
}

/** Record that the keys are at, with what they do. */
function useActive(list: LogList, recordId: number | undefined) {
  const id = useSignal<number | undefined>(undefined)

  function open(opened: number): void {
    list.stopFollowing()
    id.value = opened
    setParams({ record: opened }, { replace: address.value.params.has('record') })
  }

  function select(selected: number): void {
    list.stopFollowing()
    id.value = selected
    if (address.value.params.has('record')) setParams({ record: selected }, { replace: true })
  }

  /** Moves down for a positive number. */
  function move(by: number): void {
    const rows = list.rows.value
    const step = settings.value.order === 'newest first' ? by : -by
    const at = rows.findIndex((each) => each.id === (id.value ?? recordId))
    const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step))
    const row = rows[next]
    if (row !== undefined) select(row.id)
  }

  useEffect(() => {
    commands.value = {
      move,
      open() {
        if (id.value !== undefined) open(id.value)
      },
      follow: () => (list.isFollowing.value ? list.stopFollowing() : list.follow()),
      async nextError() {
        const found = await list.nextError(id.value ?? recordId)
        if (found !== undefined) select(found.id)
      },
      openTrace() {
        const row = list.rows.value.find((each) => each.id === (id.value ?? recordId))
        if (row !== undefined && row.traceId !== '') openTraceOf(row)
      },
    }
    return () => {
      commands.value = undefined
    }
  })
  return { id, open, move }
}

/** Opens the trace of a record, at its span. */
function openTraceOf({ traceId, spanId }: { traceId: string; spanId: string }): void {
  go(`/traces/${traceId}`, new URLSearchParams(spanId === '' ? {} : { span: spanId }))
}

function suggestionsOf(facets: FacetCounts | undefined): string[] {
  const found = (facets?.fields ?? [])
    .filter(({ field }) => field !== 'level')
    .flatMap(({ field, values }) => values.slice(0, 5).map(({ value }) => termOf(field, value)))
  return [
    'level>=warn',
    'level>=error',
    'since=15m',
    'exception~',
    ...found.filter((term) => term !== undefined),
  ]
}

function numberOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
