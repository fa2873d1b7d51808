import { usePreferredDark, usePreferredLanguages, useStorage } from '@vueuse/core'
import { computed, watchEffect } from 'vue'

export type Locale = 'zh-CN' | 'en'
export type Theme = 'system' | 'light' | 'dark'
export type ImageView = 'by-server' | 'by-image' | 'list'

const chosenLocale = useStorage<Locale | ''>('imagefleet.locale', '')
export const theme = useStorage<Theme>('imagefleet.theme', 'system')
/** The view of the images that was chosen last. */
export const imageView = useStorage<ImageView>('imagefleet.image-view', 'by-server')

const languages = usePreferredLanguages()
const prefersDark = usePreferredDark()

/** The language a person chose, else the browser's. */
export const locale = computed<Locale>({
  get: () => {
    if (chosenLocale.value === 'zh-CN' || chosenLocale.value === 'en') return chosenLocale.value
    const first = languages.value.find((language) => /^(?:zh|en)\b/i.test(language))
    return first?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
  },
  set: (value) => {
    chosenLocale.value = value
  },
})

export const isDark = computed(() => theme.value === 'dark' || (theme.value === 'system' && prefersDark.value))

export function applyPreferences(): void {
  watchEffect(() => {
    document.documentElement.classList.toggle('dark', isDark.value)
    document.documentElement.lang = locale.value
  })
}
