/** The address of the page is its state: the view, the filters, and what is open. */
import { signal } from '@preact/signals'
import { parseQuery } from '../src/query/query.ts'

export interface Address {
  readonly path: string
  readonly params: URLSearchParams
}

function current(): Address {
  return { path: location.pathname, params: new URLSearchParams(location.search) }
}

export const address = signal(current())

addEventListener('popstate', () => {
  address.value = current()
})

/** Goes to another address. `replace` leaves no entry in the history. */
export function go(path: string, params = new URLSearchParams(), { replace = false } = {}): void {
  const url = hrefOf(path, params)
  if (replace) history.replaceState(null, '', url)
  else history.pushState(null, '', url)
  address.value = current()
}

export function hrefOf(path: string, params = new URLSearchParams()): string {
  return params.size > 0 ? `${path}?${params}` : path
}

/** Changes parameters of the address. `null` removes one. */
export function setParams(
  changes: Readonly<Record<string, string | number | null>>,
  options?: { replace?: boolean },
): void {
  const { path, params } = address.value
  const next = new URLSearchParams(params)
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name)
    else next.set(name, String(value))
  }
  go(path, next, options)
}

/** Follows a link inside the page. Other clicks, such as for a new tab, stay with the browser. */
export function followLink(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  event.preventDefault()
  go(link.pathname, new URLSearchParams(link.search))
}

/** Part of the query, which is shown as a chip. */
export interface Filter {
  readonly text: string
  readonly isOn: boolean
}

/** Reads the filters of an address: `q` for each that is on, `off` for each that is switched off. */
export function filtersOf(params: URLSearchParams): Filter[] {
  return [...params]
    .filter(([name, text]) => (name === 'q' || name === 'off') && text.trim() !== '')
    .map(([name, text]) => ({ text, isOn: name === 'q' }))
}

/** Replaces the filters of an address. Parameters that belong to the earlier list of records are removed. */
export function withFilters(params: URLSearchParams, filters: readonly Filter[]): URLSearchParams {
  const next = new URLSearchParams(params)
  for (const name of ['q', 'off', 'around']) next.delete(name)
  for (const { text, isOn } of filters) next.append(isOn ? 'q' : 'off', text)
  return next
}

/** Joins the filters that are on to one query. */
export function queryOf(filters: readonly Filter[]): string {
  const texts = filters.filter(({ isOn }) => isOn).map(({ text }) => text)
  return texts.length < 2 ? texts.join('') : texts.map(grouped).join(' ')
}

/** Puts parentheses around a filter with OR, which binds looser than the blank between filters. */
function grouped(text: string): string {
  try {
    return parseQuery(text).type === 'or' ? `(${text})` : text
  } catch {
    return `(${text})`
  }
}

/** Adds a filter to the address, or to another view. The opposite of the filter is removed. */
export function addFilter(text: string, path?: string): void {
  const { path: currentPath, params: currentParams } = address.value
  // Filters of another view do not belong to this one.
  const params = path === undefined ? currentParams : new URLSearchParams()
  const opposite = text.startsWith('-') ? text.slice(1) : `-${text}`
  const kept = filtersOf(params).filter((each) => each.text !== text && each.text !== opposite)
  go(path ?? currentPath, withFilters(params, [...kept, { text, isOn: true }]))
}
