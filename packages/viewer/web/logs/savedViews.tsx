import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { address, go } from '../address.ts'
import { Menu } from '../parts/menu.tsx'
import { keptSignal } from '../settings.ts'

interface SavedView {
  name: string
  /** Parameters of the address. */
  search: string
}

function areViews(value: unknown): value is SavedView[] {
  return (
    Array.isArray(value) &&
    value.every(
      (each: Partial<SavedView> | null) => typeof each?.name === 'string' && typeof each.search === 'string',
    )
  )
}

const views = keptSignal<readonly SavedView[]>('views', [], areViews)

/** Filters and columns under a name, kept in this browser. */
export function SavedViews(): JSX.Element {
  const [name, setName] = useState('')

  function save(event: Event): void {
    event.preventDefault()
    if (name.trim() === '') return
    const params = new URLSearchParams(address.value.params)
    params.delete('record')
    const kept = views.value.filter((each) => each.name !== name.trim())
    views.value = [...kept, { name: name.trim(), search: params.toString() }]
    setName('')
  }

  return (
    <Menu label="Views">
      {views.value.map((view) => (
        <div class="saved-view" key={view.name}>
          <button type="button" onClick={() => go('/logs', new URLSearchParams(view.search))}>
            {view.name}
          </button>
          <button
            type="button"
            aria-label={`Delete the view ${view.name}`}
            onClick={() => {
              views.value = views.value.filter((each) => each !== view)
            }}
          >
            ×
          </button>
        </div>
      ))}
      <form onSubmit={save}>
        <label>
          <span class="hidden">Name of the view</span>
          <input
            type="text"
            placeholder="Name of this view"
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
        <button type="submit">Save</button>
      </form>
    </Menu>
  )
}
