import type { JSX } from 'preact'
import { apiUrl } from '../api.ts'
import { address, addFilter, setParams } from '../address.ts'
import { Menu } from '../parts/menu.tsx'
import { set, settings } from '../settings.ts'
import { columnsOf, columnsParam, FIXED_COLUMNS, titleOf, toggleColumn } from './columns.ts'
import type { LogList } from './logList.ts'
import { SavedViews } from './savedViews.tsx'

const RANGES = ['5m', '15m', '1h', '6h', '1d'] as const

export interface LogsToolbarProps {
  list: LogList
  query: string
  isGrouped: boolean
}

/** Switches and menus above the list. */
export function LogsToolbar({ list, query, isGrouped }: LogsToolbarProps): JSX.Element {
  const columns = columnsOf(address.value.params)
  const isFollowing = list.isFollowing.value
  const { order, facets } = settings.value
  return (
    <div class="toolbar" role="toolbar" aria-label="Log list">
      <button
        type="button"
        aria-pressed={isFollowing}
        title="Show new records as they arrive (f)"
        onClick={() => (isFollowing ? list.stopFollowing() : list.follow())}
      >
        <span class={`dot ${isFollowing ? 'is-on' : ''}`} /> Follow
      </button>
      <button
        type="button"
        aria-pressed={isGrouped}
        title="Group records by the pattern of their message"
        onClick={() => setParams({ group: isGrouped ? null : 'message' })}
      >
        Group
      </button>
      <button
        type="button"
        title="Change the order of the records"
        onClick={() => set('order', order === 'newest first' ? 'newest last' : 'newest first')}
      >
        {order === 'newest first' ? 'Newest first' : 'Newest last'}
      </button>
      <Menu label="Time">
        {RANGES.map((range) => (
          <button type="button" key={range} onClick={() => addFilter(`since=${range}`)}>
            Last {range}
          </button>
        ))}
      </Menu>
      <Menu label="Columns">
        {[...new Set([...FIXED_COLUMNS, ...columns])].map((column) => (
          <label key={column}>
            <input
              type="checkbox"
              checked={columns.includes(column)}
              onChange={() => setParams({ columns: columnsParam(toggleColumn(columns, column)) })}
            />
            {titleOf(column)}
          </label>
        ))}
        <p>Open a record to add its attributes.</p>
      </Menu>
      <button
        type="button"
        class="facets-switch"
        aria-pressed={facets === 'shown'}
        onClick={() => set('facets', facets === 'shown' ? 'hidden' : 'shown')}
      >
        Values
      </button>
      <SavedViews />
      <Menu label="Export">
        {(['logs', 'traces', 'metrics'] as const).map((each) => (
          <a
            key={each}
            href={apiUrl('export', { signal: each, q: each === 'logs' ? query || undefined : undefined })}
            download={`${each}.jsonl`}
          >
            {each === 'logs' ? 'These logs' : `All ${each}`} (OTLP JSON lines)
          </a>
        ))}
      </Menu>
    </div>
  )
}
