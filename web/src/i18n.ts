import { watch } from 'vue'
import { createI18n } from 'vue-i18n'
import en from './locales/en.json'
import zhCN from './locales/zh-CN.json'
import { locale } from './preferences'

export const i18n = createI18n<false>({
  legacy: false,
  locale: locale.value,
  fallbackLocale: 'en',
  messages: { en, 'zh-CN': zhCN },
})

watch(locale, (value) => {
  i18n.global.locale.value = value
})
