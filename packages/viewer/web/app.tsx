import { useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { address } from './address.ts'
import { EmptyState } from './emptyState.tsx'
import { Header } from './header.tsx'
import { HealthView } from './health/healthView.tsx'
import { HelpDialog } from './help.tsx'
import { ImportDrop } from './importFile.tsx'
import { handleKey } from './keys.ts'
import { receive } from './live.ts'
import { LogsView } from './logs/logsView.tsx'
import { MetricsView } from './metrics/metricsView.tsx'
import { SettingsDialog } from './settingsDialog.tsx'
import { isEmpty, watchStatus } from './status.ts'
import { TracesView } from './traces/tracesView.tsx'
import { TraceView } from './traces/traceView.tsx'

watchStatus()

/** The page: header, the view of the address, and dialogs. */
export function App(): JSX.Element {
  useEffect(() => {
    document.addEventListener('keydown', handleKey)
    return () => document.removeEventListener('keydown', handleKey)
  }, [])
  useSignalEffect(() => {
    document.title = `${titleOf(address.value.path)} – logbridge viewer`
  })
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        {isEmpty() ? <Waiting /> : <View />}
      </main>
      <ImportDrop />
      <SettingsDialog />
      <HelpDialog />
    </>
  )
}

function View(): JSX.Element {
  const { path } = address.value
  const [, view, id] = path.split('/')
  switch (view) {
    case 'traces':
      return id === undefined || id === '' ? <TracesView /> : <TraceView id={id} key={id} />
    case 'metrics':
      return <MetricsView />
    case 'health':
      return <HealthView />
    default:
      return <LogsView />
  }
}

/** Empty state, which ends with the first update that has something. */
function Waiting(): JSX.Element {
  useEffect(() => receive({ query: '', limit: 0, onStart: () => undefined, onUpdate: () => undefined }), [])
  return <EmptyState />
}

function titleOf(path: string): string {
  const view = path.split('/')[1] || 'logs'
  return view[0]!.toUpperCase() + view.slice(1)
}
