import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { flags } from './vite.config.ts'

// The scenes: the same page fed from fixtures instead of the app, to look at every screen in a browser.
export default defineConfig({
  root: 'dev',
  base: './',
  plugins: [vue()],
  define: flags,
  server: { host: '127.0.0.1', fs: { allow: ['..'] } },
  build: {
    outDir: '../dev-dist',
    emptyOutDir: true,
    target: 'safari16.4',
    modulePreload: { polyfill: false },
  },
})
