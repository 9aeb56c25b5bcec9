import type { JSX } from 'preact'
import { address, followLink } from './address.ts'
import { helpIsOpen, settingsAreOpen } from './dialogs.ts'
import { formatCount, formatShort } from './format.ts'
import { ImportButton } from './importFile.tsx'
import { connection, written, type Connection } from './live.ts'
import { status } from './status.ts'

const VIEWS = [
  { path: '/logs', name: 'Logs', signal: 'logs' },
  { path: '/traces', name: 'Traces', signal: 'spans' },
  { path: '/metrics', name: 'Metrics', signal: 'metrics' },
  { path: '/health', name: 'Health', signal: undefined },
] as const

const CONNECTIONS: Readonly<Record<Connection, string>> = {
  connecting: 'connecting',
  live: 'live',
  lost: 'connection lost',
  paused: 'paused',
}

/** Views, numbers of stored and dropped records, and the state of the connection. */
export function Header(): JSX.Element {
  const view = address.value.path.split('/')[1] || 'logs'
  const stored = status.value?.stored
  return (
    <header class="page-header">
      <a class="brand" href="/logs" onClick={followLink} aria-label="logbridge viewer">
        <img src="/icon.svg" alt="" width="18" height="18" />
        <span>logbridge</span>
      </a>
      <nav aria-label="Views">
        {VIEWS.map(({ path, name, signal }) => (
          <a
            key={path}
            href={path}
            aria-current={path === `/${view}` ? 'page' : undefined}
            onClick={followLink}
          >
            {name}
            {signal !== undefined && stored !== undefined && (
              <span
                class="count"
                title={`${formatCount(stored[signal])} ${signal === 'metrics' ? 'data points' : signal}`}
              >
                {formatShort(stored[signal])}
              </span>
            )}
          </a>
        ))}
      </nav>
      <Dropped />
      <span class={`connection is-${connection.value}`} role="status">
        <span class="dot" />
        <span>{CONNECTIONS[connection.value]}</span>
      </span>
      <ImportButton />
      <button
        type="button"
        onClick={() => {
          settingsAreOpen.value = true
        }}
      >
        Settings
      </button>
      <button
        type="button"
        aria-label="Help (?)"
        onClick={() => {
          helpIsOpen.value = true
        }}
      >
        ?
      </button>
    </header>
  )
}

/** Numbers of dropped records, which a full store has replaced by newer ones. */
function Dropped(): JSX.Element | null {
  const dropped = written.value?.dropped ?? status.value?.dropped
  if (dropped === undefined) return null
  const parts = [
    ['logs', dropped.logs],
    ['spans', dropped.spans],
    ['data points', dropped.metrics],
  ] as const
  const shown = parts.filter(([, count]) => count > 0)
  if (shown.length === 0) return null
  return (
    <span
      class="dropped"
      title="The store is full, so that the oldest records are dropped. Start the viewer with higher bounds to keep more."
    >
      {shown.map(([name, count]) => `${formatShort(count)} ${name}`).join(', ')} dropped
    </span>
  )
}
