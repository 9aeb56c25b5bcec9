import { computed, effect, signal } from '@preact/signals'
import { settings } from './settings.ts'

const prefersDark = matchMedia('(prefers-color-scheme: dark)')
const systemIsDark = signal(prefersDark.matches)
prefersDark.addEventListener('change', () => {
  systemIsDark.value = prefersDark.matches
})

/** True while the page is dark. */
export const isDark = computed(() =>
  settings.value.theme === 'system' ? systemIsDark.value : settings.value.theme === 'dark',
)

/** Sets the theme of the style sheet. */
export function watchTheme(): void {
  effect(() => {
    document.documentElement.dataset['theme'] = isDark.value ? 'dark' : 'light'
  })
}
