const reportEvery = 5_000

/** Says so once a screen has been painted, and again every few seconds. */
export async function reportPictures(backend: { painted(): Promise<void> }): Promise<void> {
  const screen = () => document.querySelector('[data-screen]:not([data-screen="none"]) > *')
  while (screen() === null) await nextPicture()
  await nextPicture()
  // An app that does not answer has nobody to tell; the next report finds out whether it does again.
  await backend.painted().catch(() => undefined)
  setTimeout(() => void reportPictures(backend), reportEvery)
}

/** A window that nobody can see paints nothing, and must not wait for it. */
function nextPicture(): Promise<void> {
  return new Promise((resolve) => {
    const hidden = document.visibilityState === 'hidden'
    if (hidden) setTimeout(resolve, 100)
    else requestAnimationFrame(() => setTimeout(resolve))
  })
}
