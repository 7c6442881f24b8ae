import { nextTick, onMounted, onUnmounted, ref, watch, type Ref } from 'vue'

/** Whether `box` has something left to scroll to. Shown only when it overflows. */
export function useMoreBelow(box: Ref<HTMLElement | null>, content: () => unknown) {
  const more = ref(false)
  const look = () => {
    const is = box.value
    more.value = is !== null && is.scrollHeight - is.scrollTop - is.clientHeight > 16
  }
  const further = () => {
    const is = box.value
    is?.scrollBy({ top: is.clientHeight * 0.7, behavior: 'smooth' })
  }
  let resized: ResizeObserver | null = null
  onMounted(() => {
    const is = box.value
    if (is === null) return
    is.addEventListener('scroll', look, { passive: true })
    // A picture that arrives late makes the content longer; its `load` does not bubble, so it is captured.
    is.addEventListener('load', look, true)
    if ('ResizeObserver' in window) {
      resized = new ResizeObserver(look)
      resized.observe(is)
    }
    look()
  })
  onUnmounted(() => resized?.disconnect())
  watch(content, async () => {
    await nextTick()
    look()
  })
  const toTop = () => {
    if (box.value !== null) box.value.scrollTop = 0
  }
  return { more, further, toTop }
}
