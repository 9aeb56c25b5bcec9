import { address, go, setParams } from './address.ts'
import { helpIsOpen } from './dialogs.ts'
import { commands } from './parts/commands.ts'
import { focusQuery } from './parts/queryBar.tsx'

/** Handles the keys of the page. Keys with a modifier, and those typed into a field, stay with the browser. */
export function handleKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const target = event.target as HTMLElement
  const isField = target.matches('input:not([type=checkbox]), select, textarea')
  if (event.key === 'Escape') return escape(event, target, isField)
  if (isField || hasDialog()) return
  const run = ACTIONS[event.key]
  if (run === undefined) return
  event.preventDefault()
  run()
}

/** Returns true while a dialog is open, which has the keys. Its signal changes a moment after it is closed. */
function hasDialog(): boolean {
  return document.querySelector('dialog[open]') !== null
}

/** Actions by key. */
const ACTIONS: Readonly<Record<string, () => void>> = {
  '/': focusQuery,
  '?': () => {
    helpIsOpen.value = true
  },
  j: () => moveBy(1),
  k: () => moveBy(-1),
  Enter: openActive,
  f: () => commands.value?.follow?.(),
  e: () => commands.value?.nextError?.(),
  t: () => commands.value?.openTrace?.(),
  1: () => go('/logs'),
  2: () => go('/traces'),
  3: () => go('/metrics'),
  4: () => go('/health'),
}

function moveBy(by: number): void {
  if (commands.value === undefined) moveFocus(by)
  else commands.value.move(by)
}

/** Moves the focus among the rows of a table. */
function moveFocus(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')]
  const at = rows.indexOf(document.activeElement as HTMLElement)
  rows[Math.max(0, Math.min(rows.length - 1, at + by))]?.focus()
}

function openActive(): void {
  const element = document.activeElement as HTMLElement | null
  if (element?.matches('button, a, [data-row], summary, input') === true) element.click()
  else commands.value?.open()
}

function escape(event: KeyboardEvent, target: HTMLElement, isField: boolean): void {
  if (event.defaultPrevented || hasDialog()) return
  if (isField) target.blur()
  else if (address.value.params.has('record')) setParams({ record: null })
  else if (address.value.params.has('around')) setParams({ around: null })
}
