import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { post } from './api.ts'
import { settingsAreOpen } from './dialogs.ts'
import { Dialog } from './parts/dialog.tsx'
import { CHOICES, set, settings, type Settings } from './settings.ts'
import { loadStatus, status } from './status.ts'

const NAMES: Readonly<Record<string, string>> = {
  theme: 'Theme',
  density: 'Density',
  time: 'Time',
  order: 'Order of records',
}
const CHOICE_NAMES: Readonly<Record<string, string>> = {
  local: 'local time',
  date: 'local date and time',
  utc: 'UTC',
  relative: 'time ago',
}

/** Settings of this browser, and the deletion of all data. */
export function SettingsDialog(): JSX.Element {
  return (
    <Dialog title="Settings" isOpen={settingsAreOpen}>
      <div class="settings">
        {Object.entries(NAMES).map(([name, label]) => (
          <label key={name}>
            {label}
            <select
              value={settings.value[name as keyof Settings]}
              onChange={({ currentTarget }) => set(name as keyof Settings, currentTarget.value as never)}
            >
              {CHOICES[name as keyof Settings].map((choice) => (
                <option key={choice} value={choice}>
                  {CHOICE_NAMES[choice] ?? choice}
                </option>
              ))}
            </select>
          </label>
        ))}
      </div>
      <ClearData />
      <p class="muted">Version {status.value?.version}. Settings and saved views stay in this browser.</p>
    </Dialog>
  )
}

function ClearData(): JSX.Element {
  const isAsked = useSignal(false)

  async function clear(): Promise<void> {
    await post('clear', 'application/json', '{}')
    await loadStatus()
    location.assign('/logs')
  }

  if (!isAsked.value) {
    return (
      <button
        type="button"
        onClick={() => {
          isAsked.value = true
        }}
      >
        Delete all data…
      </button>
    )
  }
  return (
    <p>
      Delete all logs, spans, and metrics?{' '}
      <button type="button" class="danger" onClick={() => void clear()}>
        Delete
      </button>{' '}
      <button
        type="button"
        onClick={() => {
          isAsked.value = false
        }}
      >
        Keep
      </button>
    </p>
  )
}
