import { signal } from '@preact/signals'

export const helpIsOpen = signal(false)
export const settingsAreOpen = signal(false)
