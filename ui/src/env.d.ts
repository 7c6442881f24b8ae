/// <reference types="vite/client" />

interface Window {
  /** Set by a measurement: milliseconds from a click on an option to the frame that shows its tick. */
  __fjAck?: number[]
}
