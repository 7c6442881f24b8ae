import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

// vue-i18n is built without its message compiler's eval path and without development messages: the content
// policy forbids eval, and the page never prints what it was asked to translate.
export const flags = {
  __VUE_OPTIONS_API__: false,
  __VUE_PROD_DEVTOOLS__: false,
  __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
  __VUE_I18N_FULL_INSTALL__: false,
  __VUE_I18N_LEGACY_API__: false,
  __INTLIFY_PROD_DEVTOOLS__: false,
  __INTLIFY_DROP_MESSAGE_COMPILER__: false,
}

export default defineConfig({
  plugins: [vue()],
  define: flags,
  build: { target: 'safari16.4', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
})
