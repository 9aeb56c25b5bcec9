/** Settings of this browser. */
import { effect, signal, type Signal } from '@preact/signals'

export interface Settings {
  theme: 'system' | 'light' | 'dark'
  density: 'compact' | 'comfortable'
  time: 'local' | 'date' | 'utc' | 'relative'
  order: 'newest first' | 'newest last'
  facets: 'shown' | 'hidden'
}

/** Values of each setting, the default first. */
export const CHOICES: { readonly [Name in keyof Settings]: readonly Settings[Name][] } = {
  theme: ['system', 'light', 'dark'],
  density: ['compact', 'comfortable'],
  time: ['local', 'date', 'utc', 'relative'],
  order: ['newest first', 'newest last'],
  facets: ['shown', 'hidden'],
}

const DEFAULTS: Settings = {
  theme: 'system',
  density: 'compact',
  time: 'local',
  order: 'newest first',
  facets: 'shown',
}

/** Creates a signal whose value `localStorage` keeps. A value that cannot be read is replaced. */
export function keptSignal<T>(key: string, fallback: T, isValid: (value: unknown) => value is T): Signal<T> {
  const kept = signal(read(key, fallback, isValid))
  effect(() => {
    const text = JSON.stringify(kept.value)
    try {
      localStorage.setItem(key, text)
    } catch {
      // A browser without storage keeps the value until the page is closed.
    }
  })
  return kept
}

function read<T>(key: string, fallback: T, isValid: (value: unknown) => value is T): T {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? 'null')
    return isValid(value) ? value : fallback
  } catch {
    return fallback
  }
}

function isSettings(value: unknown): value is Settings {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(CHOICES).every(([name, choices]) =>
    (choices as readonly unknown[]).includes((value as Record<string, unknown>)[name]),
  )
}

export const settings: Signal<Settings> = keptSignal('settings', DEFAULTS, isSettings)

export function set<Name extends keyof Settings>(name: Name, value: Settings[Name]): void {
  settings.value = { ...settings.value, [name]: value }
}
