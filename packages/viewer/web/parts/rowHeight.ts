import { computed, signal } from '@preact/signals'
import { settings } from '../settings.ts'

/** Media query of screens where a row has two lines, as in the style sheet. */
const narrow = matchMedia('(max-width: 640px)')
const isNarrow = signal(narrow.matches)
narrow.addEventListener('change', () => {
  isNarrow.value = narrow.matches
})

const height = computed(() => {
  const isCompact = settings.value.density === 'compact'
  if (isNarrow.value) return isCompact ? 40 : 48
  return isCompact ? 22 : 30
})

/** Returns the height of a row in pixels. */
export function useRowHeight(): number {
  return height.value
}
