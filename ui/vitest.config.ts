import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { flags } from './vite.config.ts'

export default defineConfig({
  plugins: [vue()],
  define: flags,
  test: { environment: 'jsdom', include: ['tests/**/*.test.ts'], css: false },
})
